import { z } from 'zod';
import type { AdminRoute } from './route.ts';

/** OpenAPI 3.1 of the admin API, from the schemas that check the requests. */
export function openApiDocument(routes: readonly AdminRoute[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Headgate admin API', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    security: [{ adminToken: [] }],
    paths,
    components: {
      securitySchemes: { adminToken: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: ERROR_SCHEMA },
    },
  };
}

const json = (schema: object) => ({ 'application/json': { schema } });

function operation(route: AdminRoute): object {
  return {
    operationId: operationId(route),
    summary: route.summary,
    tags: [route.tag],
    parameters: [...pathParameters(route), ...queryParameters(route)],
    ...(route.body && { requestBody: { required: true, content: json(schemaOf(route.body)) } }),
    responses: {
      [route.status]: { description: 'Done.', content: json({ type: 'object' }) },
      default: { description: 'Refused; `code` says why.', content: json({ $ref: '#/components/schemas/Error' }) },
    },
  };
}

/** `POST /admin/keys/:key/rotate` is `postKeysKeyRotate`. */
const operationId = ({ method, path }: AdminRoute): string =>
  method.toLowerCase() +
  path
    .split(/[/:]+/)
    .slice(2)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

const pathParameters = ({ path }: AdminRoute): object[] =>
  [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));

function queryParameters({ query }: AdminRoute): object[] {
  const { properties = {}, required = [] } = schemaOf(query);
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
}

/** What a client sends, before defaults and transforms. */
function schemaOf(schema: z.ZodObject): ObjectSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest as ObjectSchema;
}

const text = { type: 'string' };
const ERROR_SCHEMA = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'code'],
      properties: {
        message: text,
        type: text,
        code: text,
        param: { type: ['string', 'null'] },
        headgate: { type: 'object' },
      },
    },
  },
};
