import { z } from 'zod';
import type { TenantId } from '#kernel/brand.ts';
import { nearest } from '#kernel/did-you-mean.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { Whose } from '#kernel/whose.ts';

/** Who changes something, for the audit. */
export interface Actor {
  readonly actor: string;
}

/** Who asks, and whose data the operation may read. */
export interface Asker extends Actor {
  readonly whose: Whose;
  /** Whose own token it is that asks; null: an operator's or a reader's. */
  readonly tenant: TenantId | null;
}

/** One operation of the admin API, independent of any HTTP server. */
export interface AdminRoute {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With `:name` for parameters: `/admin/keys/:key`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly status: number;
  readonly query: z.ZodObject;
  readonly body: z.ZodObject | null;
  /** Waits for no change before it, which may wait for a store: for what an incident needs. */
  readonly atOnce?: boolean;
  readonly run: (params: Readonly<Record<string, string>>, input: never, asker: Asker) => Promise<unknown>;
}

interface RouteInit<Q extends z.ZodObject, B extends z.ZodObject> {
  readonly summary: string;
  readonly tag: string;
  readonly status?: number;
  readonly atOnce?: boolean;
  readonly query?: Q;
  readonly body?: B;
  readonly run: (
    params: Readonly<Record<string, string>>,
    input: z.output<Q> & z.output<B>,
    asker: Asker,
  ) => Promise<unknown>;
}

const NOTHING = z.strictObject({});

/** Declares a route: `'POST /admin/tenants'`. `input` is query and body together, checked. */
export function route<Q extends z.ZodObject = typeof NOTHING, B extends z.ZodObject = typeof NOTHING>(
  signature: `${AdminRoute['method']} /admin${string}`,
  init: RouteInit<Q, B>,
): AdminRoute {
  const [method, path] = signature.split(' ') as [AdminRoute['method'], string];
  return { status: 200, method, path, ...init, query: init.query ?? NOTHING, body: init.body ?? null } as AdminRoute;
}

/** Parameters of a path that matches, or null. */
export function matchPath(pattern: string, path: string): Record<string, string> | null {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (let i = 0; i < wanted.length; i++) {
    const part = wanted[i]!;
    if (part.startsWith(':')) params[part.slice(1)] = decoded(given[i]!);
    else if (part !== given[i]) return null;
  }
  return params;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HeadgateError('invalid_request', { message: 'The path has a percent sign that encodes nothing.' });
  }
}

/** The checked value, or a 400 that names the field and, for an unknown one, the nearest that exists. */
export function checked<S extends z.ZodObject>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') {
    throw new HeadgateError('invalid_request', { field: path, message: `${path || 'The body'}: ${issue.message}.` });
  }
  const field = [...issue.path, issue.keys[0]].join('.');
  const known = issue.path.length === 0 ? Object.keys(schema.shape) : [];
  throw new HeadgateError('invalid_request', {
    field,
    message: `There is no field \`${field}\`.${didYouMean(issue.keys[0]!, known)}`,
  });
}

export function didYouMean(wrong: string, known: Iterable<string>): string {
  const near = nearest(wrong, known);
  return near.length > 0 ? ` Did you mean ${near.map((name) => `\`${name}\``).join(', ')}?` : '';
}
