import { usdDecimal, type NanoUsd } from '#kernel/money.ts';

/** Rises when a field changes its meaning or leaves; new fields may come at any time. */
export const JSON_VERSION = 1;

/** A report for machines: money as exact decimal dollars under `…Usd`, the version first. */
export const jsonText = (report: object): string =>
  `${JSON.stringify({ version: JSON_VERSION, ...(jsonView(report) as object) }, null, 2)}\n`;

/** One line of a stream of JSON (`calls tail`). */
export const jsonLine = (report: object): string =>
  `${JSON.stringify({ version: JSON_VERSION, ...(jsonView(report) as object) })}\n`;

/** The names and forms of the admin API: `costNanoUsd: 5n` is `costUsd: "0.000000005"`. */
export function jsonView(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonView);
  if (typeof value === 'bigint') return usdDecimal(value as NanoUsd);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      typeof part === 'bigint' || part === null ? name.replace(/NanoUsd$/, 'Usd') : name,
      jsonView(part),
    ]),
  );
}
