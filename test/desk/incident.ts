import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { epochMs } from '#kernel/brand.ts';
import { seededRng } from '#kernel/rng.ts';
import { shipped } from '#ports/entry-text.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { openSqliteLedger } from '#stores/sqlite/ledger-store.ts';
import { openSqliteState } from '#stores/sqlite/state-store.ts';
import { generated } from '../../bench/console/entries.ts';

const DAY_MS = 86_400_000;

export interface Incident {
  /** Entries of the nine days before. */
  readonly entries: number;
  /** What became of an entry of the last `minutes` minutes. */
  readonly minutes: number;
  readonly turn: (entry: LedgerEntry, draw: () => number) => LedgerEntry;
}

/** Fills the folder of a gate with nine days of calls, of which the last minutes go wrong, and a change shortly before. */
export async function writeIncident(data: string, { entries, minutes, turn }: Incident): Promise<void> {
  mkdirSync(data, { recursive: true });
  const rng = seededRng(20261125);
  const now = Date.now();
  const ledger = openSqliteLedger(join(data, 'ledger.db'));
  // Half of them in the last two hours: an hour at full traffic, and days at less.
  const at = (i: number): number =>
    i < entries / 2
      ? now - 9 * DAY_MS + (i / (entries / 2)) * (9 * DAY_MS - 7_200_000)
      : now - 7_200_000 + ((i - entries / 2) / (entries / 2)) * 7_190_000;
  for (let i = 0; i < entries; i += 1_000) {
    // Whole milliseconds, as clocks give them: a rollup's minute begins at one.
    const batch = Array.from({ length: Math.min(1_000, entries - i) }, (_, n) => {
      const entry = generated({ at: Math.floor(at(i + n)), rng });
      return entry.at > now - minutes * 60_000 ? turn(entry, () => rng.next()) : entry;
    });
    await ledger.ship(shipped(batch));
  }
  await ledger.close();
  const state = openSqliteState(join(data, 'state.db'));
  const change = (id: string, minutesAgo: number, facts: object) =>
    state.apply([], {
      ...{ id, at: epochMs(now - minutesAgo * 60_000), actor: 'admin', tenant: null, detail: '{}' },
      ...{ action: 'price.set', subject: 'openai/gpt-5' },
      ...facts,
    });
  await change('aud_1', 200, { action: 'key.create', subject: 'key_old' });
  await change('aud_2', minutes + 3, {});
  await state.close();
}

/** The attempts of a provider fail as an overloaded one does. */
export const overloaded =
  (provider: string, share: number): Incident['turn'] =>
  (entry, draw) => {
    if (entry.provider !== provider || draw() > share) return entry;
    const status = 'provider_error' as const;
    const attempts = entry.attempts.map((one) => ({ ...one, status, httpStatus: 529, errorCode: 'overloaded_error' }));
    return { ...entry, attempts, status, httpStatus: 529, errorCode: 'overloaded_error', finish: null };
  };

/** A tenant waits longer. */
export const slower =
  (tenant: string, times: number): Incident['turn'] =>
  (entry) =>
    entry.tenant !== tenant ? entry : { ...entry, timing: { ...entry.timing, totalMs: entry.timing.totalMs! * times } };

/** Streams of a deployment end before they are done. */
export const cut =
  (deployment: string, share: number): Incident['turn'] =>
  (entry, draw) => {
    if (!entry.stream || entry.status !== 'ok' || entry.deployment !== deployment || draw() > share) return entry;
    const attempts = entry.attempts.map((one) => ({ ...one, status: 'truncated' as const }));
    return { ...entry, attempts, status: 'truncated', truncated: true, errorCode: 'truncated', finish: null };
  };

/** Readers of streams are gone before the end. */
export const leaving =
  (share: number): Incident['turn'] =>
  (entry, draw) => {
    if (!entry.stream || entry.status !== 'ok' || draw() > share) return entry;
    const attempts = entry.attempts.map((one) => ({ ...one, status: 'cancelled' as const }));
    return { ...entry, attempts, status: 'cancelled', cancelledBy: 'client', errorCode: 'client_closed', finish: null };
  };
