import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, verdictText, type Evidence } from './judge.ts';
import { runConservation } from './run.ts';

/** Other sizes by hand: `HEADGATE_CONSERVATION=calls:seed:kills`, or the program run.ts. */
const [CALLS = 10_000, SEED = 20261124, KILLS = 8] = (process.env['HEADGATE_CONSERVATION'] ?? '')
  .split(':')
  .filter(Boolean)
  .map(Number);

test(`${CALLS} calls, random faults, ${KILLS} deaths: each call one entry, each request one attempt (seed ${SEED})`, async (t) => {
  const run = await runConservation({ calls: CALLS, seed: SEED, kills: KILLS, say: (line) => t.diagnostic(line) });
  t.diagnostic(`seed ${SEED}, ${run.kills} deaths, ${Math.round(run.durationMs)} ms`);
  verdictText(run.verdict)
    .split('\n')
    .forEach((line) => t.diagnostic(line));
  assert.deepEqual([...run.verdict.broken], []);
  assert.deepEqual(run.rollupFaults, []);
  assert.deepEqual(run.spendFaults, []);
  sensitive(run.evidence);
  assert.ok(run.kills >= KILLS);
  assert.ok((run.verdict.counts['calls complete'] ?? 0) > CALLS / 4, 'most of the run was spent alive');
});

/** The judge must see a lie: an entry lost, told twice or with other tokens, a request that nobody owns. */
function sensitive({ provider, clients, entries }: Evidence): void {
  const complete = new Set<string | null>(clients.filter((client) => client.complete).map(({ callId }) => callId));
  const at = entries.findIndex(
    ({ id, attempts, usageSource }) => complete.has(id) && attempts.length === 1 && usageSource === 'provider',
  );
  const entry = entries[at]!;
  const [attempt] = entry.attempts;
  const more = { ...attempt!, usage: { ...attempt!.usage!, outputTokens: attempt!.usage!.outputTokens! + 1 } };
  const lies: Readonly<Record<string, Evidence>> = {
    lost: { provider, clients, entries: entries.toSpliced(at, 1) },
    twice: { provider, clients, entries: [...entries, entry] },
    tokens: {
      provider,
      clients,
      entries: entries.with(at, { ...entry, attempts: [more] }),
    },
    interrupted: { provider, clients, entries: entries.with(at, { ...entry, status: 'interrupted' }) },
    unowned: { provider: [...provider, { ...provider[0]!, headers: {} }], clients, entries },
  };
  for (const [lie, evidence] of Object.entries(lies)) assert.ok(judge(evidence).broken.size > 0, lie);
}
