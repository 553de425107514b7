import { z } from 'zod';
import { parseDuration, parseSize } from './quantities.ts';

export { parseDuration, parseSize };

/** Configuration field of a duration, in milliseconds once read, within bounds. */
export const duration = (bounds: { readonly min: string; readonly max: string }) =>
  z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== null && ms >= parseDuration(bounds.min)! && ms <= parseDuration(bounds.max)!) return ms;
    context.addIssue({
      code: 'custom',
      message: `\`${text}\` is not a duration between ${bounds.min} and ${bounds.max} (write 250ms, 10s, 2m, 24h, 30d)`,
    });
    return z.NEVER;
  });

/** Configuration field of a size, in bytes once read, within bounds. */
export const size = (bounds: { readonly min: string; readonly max: string }) =>
  z.union([z.string(), z.number()]).transform((value, context) => {
    const bytes = typeof value === 'number' ? value : parseSize(value);
    if (bytes !== null && bytes >= parseSize(bounds.min)! && bytes <= parseSize(bounds.max)!) return bytes;
    context.addIssue({
      code: 'custom',
      message: `\`${value}\` is not a size between ${bounds.min} and ${bounds.max} (write 64KB, 32MB, 1GiB)`,
    });
    return z.NEVER;
  });

/** Where a secret is: never the secret itself. */
export type Reference =
  { readonly from: 'env'; readonly name: string } | { readonly from: 'file'; readonly path: string };

const REFERENCE = /^\$\{(env|file):([^}]+)\}$/;

/** Reads `${env:NAME}` or `${file:/path}`; null for any other text, a value in the clear included. */
export function parseReference(text: string): Reference | null {
  const match = REFERENCE.exec(text.trim());
  if (!match) return null;
  return match[1] === 'env' ? { from: 'env', name: match[2]! } : { from: 'file', path: match[2]! };
}

/** Configuration field of a secret. A literal is refused, and the message does not repeat it. */
export const secret = () =>
  z.string().transform((text, context) => {
    const reference = parseReference(text);
    if (reference) return reference;
    context.addIssue({ code: 'custom', message: 'a secret is a reference: `${env:NAME}` or `${file:/path}`' });
    return z.NEVER;
  });

const valkeyUrl = () =>
  z
    .string()
    .max(2048)
    .regex(/^rediss?:\/\/[^@\s]+$/, 'must be `redis://host:port` or `rediss://host:port`, without a password');

/** Fields of a section that is kept in Valkey or Redis. */
export const valkeyAddress = {
  kind: z.literal('valkey'),
  url: valkeyUrl().describe('`redis://host:port`, or `rediss://` for TLS; behind a slash the number of a database.'),
  username: z.string().min(1).max(128).optional().describe('Of its access list.'),
  password: secret().optional().describe('Read once, at the start.'),
} as const;

/** Further fields of a section that may be kept in a cluster. */
export const valkeyCluster = {
  cluster: z
    .boolean()
    .default(false)
    .describe('True: `url` is a node of a Valkey or Redis Cluster, and what is kept is spread over its nodes.'),
  nodes: z
    .array(valkeyUrl())
    .max(64)
    .default([])
    .describe('Further nodes of the cluster, asked where the one of `url` does not answer.'),
} as const;
