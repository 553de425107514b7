import type { Said } from '../answer.ts';
import { LabError } from '../errors.ts';

export type Json = Readonly<Record<string, unknown>>;

export function required(body: Json, field: string): unknown {
  if (body[field] === undefined) {
    throw new LabError(400, `Missing required parameter: '${field}'.`, {
      code: 'missing_required_parameter',
      param: field,
    });
  }
  return body[field];
}

const wrongType = (field: string, wanted: string): LabError =>
  new LabError(400, `Invalid type for '${field}': expected ${wanted}.`, { code: 'invalid_type', param: field });

export function record(value: unknown, field: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(field, 'an object');
  return value as Json;
}

export function list(value: unknown, field: string): unknown[] {
  if (!Array.isArray(value)) throw wrongType(field, 'an array');
  return value;
}

export function optionalNumber(body: Json | null | undefined, field: string): number | null {
  const value = body?.[field];
  if (value === undefined || value === null) return null;
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) throw wrongType(field, 'an integer');
  if (number < 1) {
    const code = { code: 'integer_below_min_value', param: field };
    throw new LabError(
      400,
      `Invalid '${field}': integer below minimum value. Expected a value >= 1, but got ${number} instead.`,
      code,
    );
  }
  return number;
}

/** Text of a content field: a string, or a list of parts whose `text` counts. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => textOfPart(part as Json)).join('');
}

const textOfPart = (part: Json): string => (typeof part['text'] === 'string' ? part['text'] : '');

export const stops = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : Array.isArray(value) ? value.filter((stop) => typeof stop === 'string') : [];

/** Messages as runs of one side; the system's are left out. */
export function runsOf(messages: readonly Said[]): Said[] {
  const runs: { by: Said['by']; text: string }[] = [];
  for (const { by, text } of messages) {
    const last = runs.at(-1);
    if (last?.by === by) last.text += text;
    else runs.push({ by, text });
  }
  return runs;
}
