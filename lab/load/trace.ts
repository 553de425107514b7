/** Request traces: what arrives when, how long the prompt is and how long the answer was. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Rng } from './words.ts';

/** One call of a trace. Equal leading `prefixBlocks` of two calls mean that their prompts begin with the same text. */
export interface TraceRow {
  readonly arrivalMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly tenant: string;
  readonly prefixBlocks?: readonly number[];
}

/** A tenant and its share of the calls; published traces name no tenants, so rows are dealt out by seed. */
export interface TenantShare {
  readonly tenant: string;
  readonly weight: number;
}

export type TraceFormat = 'azure' | 'mooncake';

/** 300 rows that ship with the lab; see `traces/SOURCE.md`. */
export const SAMPLE_TRACE = join(import.meta.dirname, 'traces/azure-conv-sample.csv');

const ONE_TENANT: readonly TenantShare[] = [{ tenant: 'default', weight: 1 }];

/** A tenant by weight. */
function deal(shares: readonly TenantShare[], rng: Rng): string {
  const total = shares.reduce((sum, share) => sum + share.weight, 0);
  let left = rng() * total;
  for (const share of shares) {
    left -= share.weight;
    if (left < 0) return share.tenant;
  }
  return shares.at(-1)?.tenant ?? 'default';
}

function whole(text: string | undefined, line: number, column: string): number {
  const value = Number(text);
  if (text !== undefined && text !== '' && Number.isInteger(value) && value >= 0) return value;
  throw new Error(`line ${line}: ${column} is ${JSON.stringify(text)}, expected a whole number`);
}

/** Azure writes `2023-11-16 18:15:46.6805900`: UTC, without a zone, in ticks of 100 ns. */
function azureTimeMs(text: string, line: number): number {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?$/.exec(text);
  const secondsMs = match === null ? NaN : Date.parse(`${match[1]}T${match[2]}Z`);
  if (Number.isNaN(secondsMs)) throw new Error(`line ${line}: TIMESTAMP is ${JSON.stringify(text)}`);
  return secondsMs + Number(match?.[3] ?? 0) * 1000;
}

export interface ParseOptions {
  readonly tenants?: readonly TenantShare[];
  readonly rng: Rng;
  /** Only the first rows. */
  readonly limit?: number;
}

const lines = (text: string, limit: number): string[] =>
  text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .slice(0, limit);

/** Azure's 2023 trace: columns TIMESTAMP, ContextTokens, GeneratedTokens. Throws with the line's number. */
export function parseAzureTrace(csv: string, options: ParseOptions): TraceRow[] {
  const [header, ...rows] = lines(csv, (options.limit ?? Infinity) + 1);
  if (header !== 'TIMESTAMP,ContextTokens,GeneratedTokens') throw new Error(`line 1: unknown columns ${header}`);
  const tenants = options.tenants ?? ONE_TENANT;
  let startMs = 0;
  return rows.map((row, i) => {
    const line = i + 2;
    const [time = '', context, generated] = row.split(',');
    const timeMs = azureTimeMs(time, line);
    if (i === 0) startMs = timeMs;
    return {
      arrivalMs: timeMs - startMs,
      inputTokens: whole(context, line, 'ContextTokens'),
      outputTokens: whole(generated, line, 'GeneratedTokens'),
      tenant: deal(tenants, options.rng),
    };
  });
}

interface MooncakeLine {
  readonly timestamp?: unknown;
  readonly input_length?: unknown;
  readonly output_length?: unknown;
  readonly hash_ids?: unknown;
}

/** Mooncake's traces: `timestamp` in ms, lengths in tokens, `hash_ids` of 512-token prefix blocks. */
export function parseMooncakeTrace(jsonl: string, options: ParseOptions): TraceRow[] {
  const tenants = options.tenants ?? ONE_TENANT;
  return lines(jsonl, options.limit ?? Infinity).map((text, i) => {
    const row = JSON.parse(text) as MooncakeLine;
    const line = i + 1;
    if (!Array.isArray(row.hash_ids)) throw new Error(`line ${line}: hash_ids is no list`);
    return {
      arrivalMs: whole(String(row.timestamp), line, 'timestamp'),
      inputTokens: whole(String(row.input_length), line, 'input_length'),
      outputTokens: whole(String(row.output_length), line, 'output_length'),
      tenant: deal(tenants, options.rng),
      prefixBlocks: row.hash_ids.map((id) => whole(String(id), line, 'hash_ids')),
    };
  });
}

/** Reads a trace file; the format follows the file's ending unless it is given. */
export function readTrace(path: string, options: ParseOptions & { readonly format?: TraceFormat }): TraceRow[] {
  const format = options.format ?? (path.endsWith('.jsonl') ? 'mooncake' : 'azure');
  const parse = format === 'azure' ? parseAzureTrace : parseMooncakeTrace;
  return parse(readFileSync(path, 'utf8'), options);
}
