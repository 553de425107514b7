import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { EpochMs } from '#kernel/brand.ts';
import { isObject } from '#wire/json/read.ts';
import { readKey } from '#kernel/whose.ts';
import type { PotKey, SlotSpend } from '#ports/shared-state.ts';
import type { AuditEntry, StateChange, StateSnapshot } from '#ports/state-store.ts';

/** Two files: tenants, keys and budgets change by the hour, spending by the second. */
const STATE_FILE = 'state.snapshot.json';
const SPENT_FILE = 'spent.snapshot.json';
const LATE_FILE = 'state.late.json';
const VERSION = 2;
/** It marked money by the names of fields, and names of its pots began with the budget. */
const FIRST_VERSION = 1;
/** Records written before the event loop gets its turn: about 0.3 ms of JSON. */
const RECORDS_A_TURN = 100;

const SECTIONS = ['tenants', 'teams', 'keys', 'budgets', 'limits', 'layers', 'prices', 'levers', 'tokens'] as const;
type Line = readonly [section: string, record: unknown];

/** What a node needs to serve known keys while the store is away. Hashes and tenants' secrets: mode 0600. */
export const writeState = (dataDir: string, state: StateSnapshot, at: EpochMs): Promise<void> =>
  writeLines(join(dataDir, STATE_FILE), at, stateLines(state));

function* stateLines(state: StateSnapshot): Generator<Line> {
  for (const section of SECTIONS) for (const record of state[section]) yield [section, record];
}

/** The last state of the node; null where there is none, or one that is cut, foreign or damaged. */
export async function readState(dataDir: string): Promise<StateSnapshot | null> {
  const read = await readLines(join(dataDir, STATE_FILE));
  if (!read) return null;
  const found: Record<string, unknown[]> = Object.fromEntries(SECTIONS.map((section) => [section, []]));
  for (const [section, record] of read.lines) found[section]?.push(record);
  return found as unknown as StateSnapshot;
}

/** What every pot has spent, for a start at which the ledger's store is away. */
export const writeSpent = (dataDir: string, spent: Iterable<SlotSpend>, at: EpochMs): Promise<void> =>
  writeLines(join(dataDir, SPENT_FILE), at, spentLines(spent));

function* spentLines(spent: Iterable<SlotSpend>): Generator<Line> {
  for (const one of spent) yield ['spent', one];
}

/** `fromOld`: the pot that had this name before names said whose; null: its budget is gone. */
export async function readSpent(
  dataDir: string,
  fromOld: (name: string) => PotKey | null,
): Promise<readonly SlotSpend[]> {
  const found = await readLines(join(dataDir, SPENT_FILE));
  const keyOf = found?.version === FIRST_VERSION ? fromOld : ownPot;
  return (found?.lines ?? []).flatMap(([, record]) => {
    const spend = record as Omit<SlotSpend, 'pot'> & { readonly pot: string };
    const pot = keyOf(spend.pot);
    return pot === null ? [] : [{ ...spend, pot }];
  });
}

const ownPot = (name: string): PotKey | null => readKey(name, 'budget');

/** A change that serves on this node already, and that the store has not confirmed. */
export interface LateChange {
  readonly changes: readonly StateChange[];
  readonly audit: AuditEntry;
}

/** Rewritten whole: people pull a few levers in an hour. */
export const writeLate = (dataDir: string, late: readonly LateChange[], at: EpochMs): Promise<void> =>
  writeLines(
    join(dataDir, LATE_FILE),
    at,
    late.map((one): Line => ['late', one]),
  );

export async function readLate(dataDir: string): Promise<readonly LateChange[]> {
  const read = await readLines(join(dataDir, LATE_FILE));
  return (read?.lines ?? []).map(([, record]) => record as LateChange);
}

/** One JSON text a line, and a last line that counts them. The old file stays whole until the new one is. */
async function writeLines(path: string, at: EpochMs, records: Iterable<Line>): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.chmod(0o600);
    for (const page of pages(at, records)) await file.write(page);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

function* pages(at: EpochMs, records: Iterable<Line>): Generator<string> {
  let page = text({ version: VERSION, at });
  let count = 0;
  for (const record of records) {
    page += text(record);
    if (++count % RECORDS_A_TURN > 0) continue;
    yield page;
    page = '';
  }
  yield page + text({ end: count });
}

interface ReadFile {
  readonly version: number;
  readonly lines: readonly Line[];
}

async function readLines(path: string): Promise<ReadFile | null> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch {
    return null;
  }
}

function parse(content: string): ReadFile | null {
  const lines = content.split('\n').filter((line) => line !== '');
  const version = (JSON.parse(lines[0] ?? 'null') as { version?: number } | null)?.version;
  if (version !== FIRST_VERSION && version !== VERSION) return null;
  const revive = version === FIRST_VERSION ? reviveFirst : revived;
  const values = lines.map((line) => JSON.parse(line, revive) as unknown);
  const last = values.at(-1) as { end?: number } | undefined;
  return last?.end === values.length - 2 ? { version, lines: values.slice(1, -1) as Line[] } : null;
}

const text = (value: unknown): string => `${JSON.stringify(value, write)}\n`;

/** What JSON has no word for stands in an object of its own, so that no text of a user is taken for it. */
const write = (_: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return { [WHOLE]: value.toString() };
  return value === Infinity ? { [WHOLE]: 'never' } : value;
};
const WHOLE = '$whole';
const revived = (_: string, value: unknown): unknown => {
  const text = isObject(value) ? value[WHOLE] : undefined;
  if (text === 'never') return Infinity;
  return typeof text === 'string' && /^-?\d+$/.test(text) ? BigInt(text) : value;
};

const reviveFirst = (name: string, value: unknown): unknown => {
  if (typeof value !== 'string') return value;
  if (name.endsWith('NanoUsd') && /^-?\d+$/.test(value)) return BigInt(value);
  return name === 'expiresAt' && value === 'never' ? Infinity : value;
};
