import { adminApi, type AdminApiOptions } from '#capabilities/tenants/routes.ts';
import { gateOperations } from '#gateway/operations/index.ts';
import { CALL_ROUTES, GOOGLE_ROUTES } from '#gateway/routes.ts';
import { code, head, madeFrom, row, type Page } from './page.ts';

interface Field {
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Field[];
  readonly items?: Field;
  readonly default?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Field>>;
  readonly required?: readonly string[];
}

interface Operation {
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: Field;
  }[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Field } } };
  readonly responses: Readonly<Record<string, unknown>>;
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

/** The document holds schemas alone: nothing of the context is used to make it. */
const paths = (): Paths => {
  const context = { more: gateOperations({} as never) } as unknown as AdminApiOptions;
  return (adminApi(context).openApi('0') as { readonly paths: Paths }).paths;
};

function typeOf(field: Field): string {
  if (field.enum) return field.enum.map(code).join(', ');
  if (field.anyOf) return [...new Set(field.anyOf.map(typeOf))].join(' or ');
  if (field.type === 'array') return `list of ${field.items ? typeOf(field.items) : 'values'}`;
  return [field.type ?? 'value'].flat().join(' or ');
}

const fieldRow = (name: string, field: Field, where: string, required: boolean): string =>
  row([
    code(name),
    where,
    required ? 'yes' : '',
    typeOf(field),
    field.default === undefined ? '' : code(JSON.stringify(field.default)),
    field.description ?? '',
  ]);

function operation(method: string, path: string, { summary, parameters, requestBody, responses }: Operation): string {
  const body = requestBody?.content['application/json'].schema;
  const rows = [
    ...parameters.map((it) => fieldRow(it.name, it.schema, it.in, it.required)),
    ...Object.entries(body?.properties ?? {}).map(([name, field]) =>
      fieldRow(name, field, 'body', body?.required?.includes(name) ?? false),
    ),
  ];
  const status = Object.keys(responses)[0]!;
  const title = `### ${method.toUpperCase()} ${path}\n\n${summary}. Answers ${status}.\n`;
  if (rows.length === 0) return title;
  return `${title}\n${[head(['name', 'in', 'required', 'type', 'default', 'meaning']), ...rows].join('\n')}\n`;
}

function adminSections(): string[] {
  const all = Object.entries(paths()).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, it]) => ({ method, path, it })),
  );
  const tags = [...new Set(all.map(({ it }) => it.tags[0]!))];
  return tags.flatMap((tag) => [
    `## Admin: ${tag}\n`,
    ...all.filter(({ it }) => it.tags[0] === tag).map(({ method, path, it }) => operation(method, path, it)),
  ]);
}

const CALLS = `# API

${madeFrom('src/gateway/routes.ts and the schemas of src/capabilities/tenants/admin and src/gateway/operations')}
## Model calls

Paths, bodies, answers, events and errors are those of the vendors' own APIs; the official SDKs need a base URL and a key. The key comes as \`authorization: Bearer hg_…\` or as \`x-api-key\`, \`api-key\` or \`x-goog-api-key\`. The query passes to the provider where both speak one dialect; on Google's paths none passes, and a key in it is refused.
`;

const REST = `| GET | \`/v1/models\`, \`/v1/models/{id}\` | models that this key may call, in Anthropic's form where \`anthropic-version\` is sent, in Google's where \`x-goog-api-key\` is |
| GET | \`/v1beta/models\`, \`/v1beta/models/{id}\` | the same in Google's form |
| GET | \`/v1/ui/chat/{chat id}/stream\` | the newest stream of a chat of this key, from its start; 204 where there is none. See [useChat](../guides/ai-sdk-ui.md) |
| POST | \`/v1/ui/chat/{chat id}/cancel\` | ends that stream, from any connection |
| GET | \`/v1/headgate/me\` | what the key is: tenant, rights, models, budgets with spent, reserved and reset |
`;

const HEADERS = `### Headers of a request

What a key may set is one of its properties (\`rights\`); a header that it may not set is a 400 that names it.

| header | meaning |
| --- | --- |
| \`x-headgate-key\` | the key, where \`authorization\` holds somebody else's credential: that one is neither read nor passed on, but for a login that the operator lets through (\`subscription\`) |
| \`x-headgate-feature\` | feature that the call belongs to; default: the key's |
| \`x-headgate-end-user\` | your customer's user; stored as an HMAC under the tenant's secret |
| \`x-headgate-session\` | one task across calls |
| \`x-headgate-agent\`, \`x-headgate-parent-agent\` | who acts in an agent's run |
| \`x-headgate-purpose\` | why text is embedded |
| \`x-headgate-labels\` | \`name=value,name=value\`, at most ten, of the labels that \`labels\` in headgate.yaml allows |
| \`x-headgate-retry-of\` | call id that this one repeats |
| \`x-headgate-no-content\` | any value: no [capture](../operate/capture.md) keeps the text of this call |
| \`traceparent\` | trace id of the entry |

### Headers of an answer

| header | meaning |
| --- | --- |
| \`x-headgate-call-id\` | id of the entry in the ledger; also under \`x-request-id\` (OpenAI) or \`request-id\` (Anthropic) |
| \`x-headgate-dropped\` | hints that the serving provider cannot express and that were left out |
| \`x-headgate-estimated\` | fields of the answer that are an estimate of ours (a count of tokens where no provider counts) |
| \`x-headgate-error-source\` | on errors: \`gateway\` or \`provider\` |
| \`x-headgate-error-code\` | on errors of the gateway: the code in [errors](errors.md) |
| \`x-headgate-upstream-*\` | keys of the operator only: what is left of the provider account's own limits |

## Health and metrics

| path | answer |
| --- | --- |
| \`GET /health/live\` | 200 while the process serves |
| \`GET /health/ready\` | 200 once it takes calls, 503 while it drains or cannot go on; the text says why |
| \`GET /metrics\` | Prometheus text; needs the admin token. See [metrics](../operate/metrics.md) |

## Admin API

Every path below \`/admin\` needs \`authorization: Bearer <admin token>\`, or the session of [the console](../guides/console.md); a tenant's key never opens it, and the admin token never opens \`/v1\`. Bodies are JSON, unknown fields are errors, money is dollars as decimal text, times are ISO 8601. Every change leaves an audit entry. A row that headgate.yaml [declares](../guides/state-in-git.md) has its place under \`declared\`, and is changed there alone (409 [declared_in_file](errors.md#declared_in_file)). \`GET /admin/openapi.json\` is the OpenAPI 3.1 document that the tables below are made from.
`;

export const apiPage = (): Page => ({
  path: 'docs/reference/api.md',
  text: [
    CALLS,
    head(['method', 'path', 'dialect']),
    ...[...CALL_ROUTES.values(), ...GOOGLE_ROUTES].map(({ path, dialect }) => row(['POST', code(path), code(dialect)])),
    REST,
    HEADERS,
    ...adminSections(),
  ].join('\n'),
});
