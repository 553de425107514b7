import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRng } from '#kernel/rng.ts';
import { derivedPrompt, freshPrompt } from './core/prompts.ts';
import { judge, overall, type LevelFigures, type Probe } from './core/verdict.ts';
import { auditCache, callsOf } from './run.ts';

const SEED = 5;
/** A cache in some milliseconds: what it was sent it serves fast, to all or to the sender alone. */
function cacheOf(shared: boolean, rng = seededRng(SEED + 1)) {
  const seen = new Map<string, string[]>();
  return async (who: string, prompt: string): Promise<Omit<Probe, 'sample'>> => {
    const before = seen.get(shared ? '' : who) ?? [];
    seen.set(shared ? '' : who, [...before, prompt]);
    const common = Math.max(0, ...before.map((one) => [...one].findIndex((char, i) => char !== prompt[i])));
    const known = before.includes(prompt) ? 1 : common / prompt.length;
    return { ttftMs: 400 - 300 * known + 40 * rng.next(), cachedShare: known > 0.5 ? known : 0 };
  };
}
const PLAN = { samples: 40, letters: 60, warmups: 1, share: 0.95, levels: ['same', 'cross'] as const, pauseMs: 0 };
const audited = (shared: boolean) =>
  auditCache({
    ...{ plan: PLAN, rng: seededRng(SEED), ask: cacheOf(shared) },
    ...{ sleep: async () => {}, step: () => {} },
  });

describe('an audit of a prefix cache', () => {
  test('a derived prompt keeps its beginning, and differs in the next letter for certain', () => {
    const rng = seededRng(SEED);
    for (let i = 0; i < 200; i++) {
      const prompt = freshPrompt(rng, 40).split(' ');
      const derived = derivedPrompt(rng, prompt.join(' '), 0.95).split(' ');
      assert.equal(derived.length, 40);
      assert.deepEqual(derived.slice(0, 38), prompt.slice(0, 38));
      assert.notEqual(derived[38], prompt[38]);
    }
    assert.equal(derivedPrompt(rng, 'a b c', 1), 'a b c');
  });

  test('a shared cache is found, and one that is kept apart is not, while its own hits show that there is one', async () => {
    const shared = await audited(true);
    assert.equal(shared.verdict, 'shared');
    const apart = await audited(false);
    assert.deepEqual(
      apart.levels.map(({ level, verdict }) => [level, verdict]),
      [
        ['same', 'shared'],
        ['cross', 'nothing_found'],
      ],
    );
    assert.equal(apart.verdict, 'nothing_found');
    assert.equal(callsOf(PLAN), 2 * 40 * 3);
  });

  test('where a tenant’s own prompts are not faster, nothing is told; nor by few probes', () => {
    const none = (level: LevelFigures['level'], n: number): LevelFigures => {
      const rng = seededRng(SEED);
      const probes = Array.from({ length: 2 * n }, (_, i): Probe => {
        return { sample: i % 2 ? 'hit' : 'miss', ttftMs: 100 + rng.next(), cachedShare: null };
      });
      return judge(level, probes);
    };
    assert.equal(overall([none('same', 100), none('cross', 100)]), 'cannot_tell');
    assert.equal(none('cross', 19).verdict, 'cannot_tell');
    assert.equal(none('cross', 100).cached, null);
  });

  test('usage alone tells a leak that no clock shows, and the power is what such audits come to', () => {
    const rng = seededRng(SEED);
    const audit = (n: number, served: number): LevelFigures =>
      judge(
        'cross',
        Array.from({ length: 2 * n }, (_, i): Probe => {
          const sample = i < n ? 'hit' : 'miss';
          const cachedShare = sample === 'hit' && rng.next() < served ? 0.9 : 0;
          return { sample, ttftMs: 100 + 50 * rng.next(), cachedShare };
        }),
      );
    assert.equal(audit(250, 1).verdict, 'shared');
    const { cached } = audit(250, 0).wouldSee;
    assert.ok(cached! > 0.02 && cached! < 0.06, String(cached));
    const found = Array.from({ length: 200 }, () => audit(250, cached!)).filter(
      ({ verdict }) => verdict !== 'nothing_found',
    );
    // Four of five, and the clock's own false alarms beside.
    assert.ok(found.length >= 148 && found.length <= 190, `${found.length} of 200, seed ${SEED}`);
  });
});
