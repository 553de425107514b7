import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { epochMs, type CallId } from '#kernel/brand.ts';
import { callId } from '#kernel/ids.ts';
import { seededRng } from '#kernel/rng.ts';
import { everyTenant } from '#kernel/whose.ts';
import { shipped } from '#ports/entry-text.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { sampleEntry } from '#ports/ledger-store.samples.ts';
import { memoryLedger } from '#stores/memory/ledger-store.ts';
import { NO_USAGE } from '#wire/usage.ts';
import { modelOf } from '../entry/correction.ts';
import { VersionedPriceBook } from '../prices/index.ts';
import { KeptBytes, KeptRoom } from './kept-bytes.ts';
import { Recounts, type KeepableAttempt } from './recounts.ts';
import { TokenCounter } from './token-counter.ts';

const AT = epochMs(Date.UTC(2026, 10, 25));
const rng = seededRng(20_261_125);
const counter = new TokenCounter();
after(() => counter.close());

const book = new VersionedPriceBook({
  list: null,
  source: 'none',
  overrides: [
    {
      ...{ id: 'price_1', provider: 'openai', model: 'gpt-4o', validFrom: epochMs(0), source: 'own' },
      prices: { input: '1000', output: '2000' },
    },
  ],
});

function recountsOn(parts: { ship?: (entry: LedgerEntry) => Promise<unknown>; room?: KeptRoom } = {}) {
  const ledger = memoryLedger();
  const moves: { before: LedgerEntry; after: LedgerEntry }[] = [];
  const recounts = new Recounts({
    counter,
    pricing: {
      book,
      priceOf: (attempt, at) => book.row({ provider: attempt.provider, book: null, model: modelOf(attempt), at }),
    },
    newId: () => callId(epochMs(AT + 1_000), rng) as CallId,
    ship: parts.ship ?? ((entry) => ledger.ship(shipped([entry]))),
    moved: (before, after) => moves.push({ before, after }),
    ...(parts.room && { room: parts.room }),
  });
  return { ledger, recounts, moves };
}

const chunk = (content: string): Buffer =>
  Buffer.from(
    `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }] })}\n\n`,
  );

const attempt = (n: number, said: number | null = null): KeepableAttempt => ({
  ...{ n, model: 'gpt-4o', modelReturned: null, dialect: { name: 'openai-chat' }, kept: undefined },
  usage: said === null ? null : { ...NO_USAGE, outputTokens: said },
});

/** An entry of so many attempts, each estimated at 10 tokens in and 99 out, unless its source says otherwise. */
function entryOf(sources: readonly ('estimated' | 'provider')[]): LedgerEntry {
  const usage = { ...NO_USAGE, inputTokens: 10, outputTokens: 99 };
  const one = sampleEntry(seededRng(3), AT, { attempts: [] });
  const attempts = sources.map((usageSource, i) => ({
    ...{ n: i + 1, deployment: 'openai/gpt-4o', provider: 'openai', dialect: 'openai-chat' as const, startedMs: 0 },
    timing: { connectedMs: 1, headersMs: 1, firstTokenMs: 1, lastTokenMs: 1, doneMs: 1 },
    ...{ status: 'truncated' as const, httpStatus: 200, errorCode: null, upstreamRequestId: null },
    ...{
      usage,
      usageSource,
      cost: book.cost(book.row({ provider: 'openai', book: null, model: 'gpt-4o', at: AT })!, usage),
    },
  }));
  const total = { ...usage, inputTokens: 10 * sources.length, outputTokens: 99 * sources.length };
  return { ...one, id: callId(AT, rng), status: 'truncated', usage: total, usageSource: 'estimated', attempts };
}

async function until(check: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !check(); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(check());
}

describe('recounts', () => {
  test('each cut attempt is counted for itself; one with the provider’s own count keeps it', async () => {
    const { recounts, ledger, moves } = recountsOn();
    const attempts = [attempt(1), attempt(2), attempt(3, 50)];
    recounts.keep(attempts[0]!, chunk('one two three'));
    recounts.keep(attempts[1]!, chunk('never counted'));
    recounts.keep(attempts[2]!, chunk('fewer than it said'));
    const entry = entryOf(['estimated', 'provider', 'estimated']);
    recounts.settled(entry, attempts);
    await until(() => moves.length === 1);
    const row = (await ledger.call(moves[0]!.after.id, everyTenant('a test')))!;
    assert.deepEqual(
      row.attempts.map(({ usage }) => usage!.outputTokens),
      [3, 99, 50],
    );
    assert.equal(row.usage.outputTokens, 3 + 99 + 50);
    assert.equal(row.usage.inputTokens, 30);
    assert.equal(row.cost!.output, BigInt(3 + 99 + 50) * 2_000_000n);
    assert.equal(row.cost!.total, row.cost!.output + row.cost!.input);
    assert.deepEqual([row.corrects, row.at, recounts.keptBytes], [entry.id, entry.at, 0]);
    assert.equal(moves[0]!.before, entry);
  });

  test('a store that is away leaves the estimate, and says so', async () => {
    const { recounts, moves } = recountsOn({ ship: () => Promise.reject(new Error('away')) });
    const cut = attempt(1);
    recounts.keep(cut, chunk('one two three'));
    recounts.settled(entryOf(['estimated']), [cut]);
    await until(() => recounts.results.get('store_away') === 1);
    assert.deepEqual([moves.length, recounts.keptBytes], [0, 0]);
  });

  test('what is estimated rightly needs no second row', async () => {
    const { recounts, moves } = recountsOn();
    const cut = attempt(1, 99);
    recounts.keep(cut, chunk('one two three'));
    recounts.settled(entryOf(['estimated']), [cut]);
    await until(() => recounts.results.get('same') === 1);
    assert.equal(moves.length, 0);
  });

  test('a stream that outgrows the room is let go of whole, and the others keep theirs', async () => {
    const { recounts } = recountsOn({ room: new KeptRoom(10_000) });
    const [small, large] = [attempt(1), attempt(1)];
    recounts.keep(small, chunk('one two three'));
    for (let i = 0; i < 40; i++) recounts.keep(large, chunk('x'.repeat(300)));
    assert.ok(recounts.keptBytes > 0 && recounts.keptBytes < 1_000, `${recounts.keptBytes}`);
    recounts.settled(entryOf(['estimated']), [large]);
    await until(() => recounts.results.get('no_room') === 1);
    recounts.settled(entryOf(['estimated']), [small]);
    await until(() => recounts.results.get('counted') === 1);
    assert.equal(recounts.keptBytes, 0);
  });

  test('of a model or a dialect that cannot be counted nothing is kept', () => {
    const { recounts } = recountsOn();
    const foreign = { ...attempt(1), model: 'claude-sonnet-4-5' };
    const spoken = { ...attempt(1), dialect: { name: 'anthropic-messages' as const } };
    for (const one of [foreign, spoken]) {
      recounts.keep(one, chunk('text'));
      assert.equal(one.kept, null);
    }
    assert.equal(recounts.keptBytes, 0);
  });
});

test('whatever comes in whatever order, the room is never passed and never lost', () => {
  const step = fc.record({ stream: fc.nat(5), bytes: fc.nat(4_000), ends: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const room = new KeptRoom(12_000);
      const streams = Array.from({ length: 6 }, () => new KeptBytes(room));
      for (const { stream, bytes, ends } of steps) {
        streams[stream]!.add(Buffer.alloc(bytes));
        assert.ok(room.usedBytes <= 12_000);
        const held = streams.flatMap(({ chunks }) => chunks ?? []).reduce((sum, { length }) => sum + length, 0);
        assert.ok(held <= room.usedBytes);
        if (!ends) continue;
        streams[stream]!.release();
        streams[stream] = new KeptBytes(room);
      }
      for (const one of streams) one.release();
      for (const one of streams) one.release();
      assert.equal(room.usedBytes, 0);
    }),
    { seed: 20261125 },
  );
});
