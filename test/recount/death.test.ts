import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { nanoUsd, parseUsd, sumUsd } from '#kernel/money.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { openSqliteLedger } from '#stores/sqlite/ledger-store.ts';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { allEntries } from '../conservation/ledger-file.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const config = (url: string): string => `
providers:
  lab: { kind: lab, baseUrl: "${url}/v1" }
models:
  gpt-4o-mini: { deployments: [{ provider: lab }] }
prices:
  - { provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }
retry: { attempts: 1 }
log: { level: silent }
`;

const WORDS = 'a b c d e f g h '.repeat(40);
const AT_ONCE = 12;
/** Streams of the last gate, which nobody kills. */
const LAST = 40;

let provider: Provider;
let dataDir: string;
let gate: GateProcess;
let key = '';
/** Ids that clients were told. */
const told = new Set<string>();

async function cutStream(n: number): Promise<void> {
  try {
    const response = await fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ model: 'gpt-4o-mini', stream: true },
        messages: [{ role: 'user', content: `[[lab echo fault=cut@${8 + (n % 60)}]]${WORDS}` }],
      }),
    });
    if (response.status === 200) told.add(response.headers.get('x-headgate-call-id')!);
    await response.text();
  } catch {
    // Cut by the provider, or with the gate.
  }
}

async function streams(count: number): Promise<void> {
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < count) await cutStream(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
}

const start = async (): Promise<void> => {
  gate = await startGate({ config: config(provider.url), dataDir });
  key ||= gate.key;
};

before(async () => {
  provider = await startProvider({ seed: 20261125 });
  dataDir = mkdtempSync(join(tmpdir(), 'headgate-recount-'));
  await start();
  await gate.admin('POST', '/budgets', { level: 'operator', limitUsd: '100000', window: 'total' });
});
after(async () => {
  await gate?.stop();
  await provider?.close();
  rmSync(dataDir, { recursive: true, force: true });
});

/** The rows that count by the law alone: what no row names, and of several that name one the youngest. */
function countingOf(rows: readonly LedgerEntry[]): LedgerEntry[] {
  const naming = Map.groupBy(rows, ({ corrects }) => corrects);
  const last = (row: LedgerEntry): LedgerEntry => {
    const corrections = naming.get(row.id) ?? [];
    return corrections.length === 0 ? row : last(corrections.reduce((a, b) => (a.id > b.id ? a : b)));
  };
  return rows.filter(({ corrects }) => corrects === null).map(last);
}

test('killed while streams are cut and counted: each call counts once, in sums, rollups and budgets', async (t) => {
  for (const ms of [700, 900, 1_300]) {
    const running = streams(400);
    await new Promise((resolve) => setTimeout(resolve, ms));
    await gate.kill();
    await running;
    await start();
  }
  await streams(LAST);
  await gate.until('nothing is left to ship or count', async () => {
    const response = await fetch(`${gate.url}/metrics`, { headers: { authorization: `Bearer ${gate.adminToken}` } });
    const text = await response.text();
    const results = [...text.matchAll(/^headgate_exact_counts_total\{.*\} (\d+)$/gm)].map((match) => Number(match[1]));
    const done = results.reduce((sum, count) => sum + count, 0);
    return done === LAST && text.includes('\nheadgate_spool_unshipped_calls 0\n');
  });
  const { budgets } = await gate.admin('GET', '/budgets');
  await gate.stop();

  const ledger = openSqliteLedger(join(dataDir, 'state', 'ledger.db'));
  const rows = await allEntries(ledger);
  const counting = countingOf(rows);
  const corrected = counting.filter(({ corrects }) => corrects !== null);
  t.diagnostic(`${counting.length} calls, ${corrected.length} counted exactly, ${told.size} told to clients`);
  // Those of the last gate at least, which nobody killed; how many before depends on the machine.
  assert.ok(corrected.length >= 20, `${corrected.length}`);
  const ids = new Set<string>(rows.map(({ id }) => id));
  assert.deepEqual(
    [...told].filter((id) => !ids.has(id)),
    [],
  );
  const window = { from: epochMs(0), to: epochMs(Date.now() + 2 * 86_400_000) };
  const [sum] = await ledger.spend({ ...window, whose: everyTenant('a test'), by: [] });
  assert.equal(sum!.calls, counting.length);
  assert.equal(sum!.costNanoUsd, sumUsd(counting.map(({ cost }) => cost?.total ?? nanoUsd(0n))));
  assert.equal(
    sum!.outputTokens,
    counting.reduce((total, { usage }) => total + (usage.outputTokens ?? 0), 0),
  );
  assert.deepEqual(await ledger.verifyRollups(window), []);
  assert.equal(parseUsd(budgets[0].spentUsd), sum!.costNanoUsd);
  await ledger.close();
});
