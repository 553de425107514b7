import { existsSync, readFileSync, readdirSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** A file of the built console, whole in memory: together they are below half a megabyte. */
export interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  readonly gzip: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Files of the build by name; empty where there is none. */
export function loadAssets(folder: string): ReadonlyMap<string, Asset> {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => extname(name) in TYPES) : [];
  return new Map(names.map((name) => [name, assetOf(join(folder, name))]));
}

function assetOf(path: string): Asset {
  const bytes = readFileSync(path);
  return { type: TYPES[extname(path)]!, bytes, gzip: gzipSync(bytes, { level: 9 }) };
}

/** Nothing inline, nothing from elsewhere, no frame around it; Trusted Types make a text as markup an error. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** Of everything that a browser gets from this port, answers of the admin API included. */
export const SAFE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
} as const;

const PAGE_HEADERS = {
  ...SAFE_HEADERS,
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
} as const;

/** The page itself is asked for anew each time; what it names carries a hash and never changes. */
export function sendAsset(response: ServerResponse, name: string, asset: Asset): void {
  const zipped = /\bgzip\b/.test(String(response.req.headers['accept-encoding'] ?? ''));
  const bytes = zipped ? asset.gzip : asset.bytes;
  response.writeHead(200, {
    ...PAGE_HEADERS,
    'content-type': asset.type,
    'content-length': bytes.length,
    'cache-control': name === 'index.html' ? 'no-cache' : 'public, max-age=31536000, immutable',
    vary: 'accept-encoding',
    ...(zipped && { 'content-encoding': 'gzip' }),
  });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}

/** Plain words where the page cannot be. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    ...PAGE_HEADERS,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
