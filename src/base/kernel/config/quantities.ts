// Apart from the schemas of ./primitives.ts: commands read durations too, and must not load a schema library for it.
const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/;
const MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a text such as `250ms`, `10s`, `2m`, `24h`, `30d`; null where it is none. */
export function parseDuration(text: string): number | null {
  const match = DURATION.exec(text.trim());
  return match ? Math.round(Number(match[1]) * MS[match[2]!]!) : null;
}

const SIZE = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|KiB|MiB|GiB)?$/i;
const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

/** Bytes of a text such as `32MB` or `64MiB`; null where it is none. */
export function parseSize(text: string): number | null {
  const match = SIZE.exec(text.trim());
  return match ? Math.round(Number(match[1]) * BYTES[(match[2] ?? 'B').toLowerCase()]!) : null;
}
