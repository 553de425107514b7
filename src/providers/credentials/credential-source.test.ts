import assert from 'node:assert/strict';
import { afterEach, beforeEach, test, mock } from 'node:test';
import { HeadgateError } from '#kernel/errors.ts';
import { CredentialSource } from './credential-source.ts';

interface Key {
  readonly n: number;
  readonly expiresMs: number | null;
}

const HOUR_MS = 3_600_000;
let now = 0;
let asked = 0;
let fails = false;
let lifeMs: number | null = HOUR_MS;

const make = (): CredentialSource<Key> =>
  new CredentialSource<Key>({
    chain: 'lab chain',
    fetch: async () => {
      asked++;
      if (fails) throw new Error('no route\nto the service, whose secret is hunter2');
      return { n: asked, expiresMs: lifeMs === null ? null : now + lifeMs };
    },
    now: () => now,
    random: () => 0.5,
  });

/** Timers are Node's: they are set forward together with the clock of the source. */
async function pass(ms: number): Promise<void> {
  now += ms;
  mock.timers.tick(ms);
  await settled();
}
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

beforeEach(() => {
  [now, asked, fails, lifeMs] = [1_000_000, 0, false, HOUR_MS];
  mock.timers.enable({ apis: ['setTimeout'] });
});
afterEach(() => mock.timers.reset());

test('callers at once wait for one fetch; later ones get it without a promise', async () => {
  const source = make();
  const keys = await Promise.all([source.current(), source.current(), source.current()]);
  assert.deepEqual([...new Set(keys)], [{ n: 1, expiresMs: now + HOUR_MS }]);
  assert.ok(!(source.current() instanceof Promise));
  assert.equal(asked, 1);
});

test('it is refreshed in the background before its end, while somebody uses it', async () => {
  const source = make();
  await source.current();
  source.current();
  await pass(HOUR_MS - 6 * 60_000);
  assert.equal(asked, 1);
  await pass(2 * 60_000);
  assert.equal(asked, 2);
  assert.deepEqual(source.current(), { n: 2, expiresMs: source.state.expiresMs });
});

test('a source that nobody asks sleeps; its next caller waits', async () => {
  const source = make();
  await source.current();
  await pass(3 * HOUR_MS);
  assert.equal(asked, 1);
  assert.ok(source.current() instanceof Promise);
  await settled();
  assert.equal(asked, 2);
});

test('while a refresh fails the good one is used, and asked for again every few seconds at most', async () => {
  const source = make();
  await source.current();
  source.current();
  fails = true;
  await pass(HOUR_MS - 4 * 60_000);
  for (let i = 0; i < 20; i++) {
    assert.ok(!(source.current() instanceof Promise));
    await pass(500);
  }
  assert.ok(asked >= 2 && asked <= 5, String(asked));
  assert.equal(source.state.lastError, 'no route');
  fails = false;
  await pass(6_000);
  source.current();
  await settled();
  assert.equal(source.state.lastError, null);
});

test('without a good one the failure is an error of ours, told for a second without asking again', async () => {
  const source = make();
  fails = true;
  const refused = (error: unknown): boolean =>
    error instanceof HeadgateError && error.code === 'provider_credential' && !/hunter2|no route/.test(error.message);
  await assert.rejects(async () => source.current(), refused);
  await assert.rejects(async () => source.current(), refused);
  assert.equal(asked, 1);
  await pass(1_500);
  fails = false;
  assert.equal((await source.current()).n, 2);
});

test('one that the platform refused is not used again', async () => {
  const source = make();
  const first = await source.current();
  source.refused(first);
  assert.equal((await source.current()).n, 2);
  source.refused(first);
  assert.ok(!(source.current() instanceof Promise));
});

test('one without an end is never asked for again; one that came too late is a failure', async () => {
  lifeMs = null;
  const lasting = make();
  await lasting.current();
  lasting.current();
  await pass(1_000 * HOUR_MS);
  assert.deepEqual([asked, (lasting.current() as Key).n], [1, 1]);
  lifeMs = 5_000;
  await assert.rejects(async () => make().current(), HeadgateError);
});
