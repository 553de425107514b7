import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptAnswers } from './kept-answers.ts';

function world() {
  let now = 0;
  const kept = new KeptAnswers<number>({ most: 4, freshMs: 10, staleMs: 1_000, now: () => now });
  const waiting: ((fails?: boolean) => void)[] = [];
  let made = 0;
  const make = (): Promise<number> => {
    const value = ++made;
    return new Promise((resolve, reject) =>
      waiting.push((fails = false) => (fails ? reject(new Error('away')) : resolve(value))),
    );
  };
  return {
    waiting,
    made: () => made,
    at: (time: number) => (now = time),
    ask: async (time = now, question = 'q') => {
      now = time;
      const { value, at } = await kept.get(question, make);
      return { value, at };
    },
  };
}

test('one is made for all who ask at once, and it is given until it is no longer fresh', async () => {
  const { waiting, made, ask } = world();
  const [one, other] = [ask(0), ask(0)];
  waiting[0]!();
  assert.deepEqual(await Promise.all([one, other]), Array(2).fill({ value: 1, at: 0 }));
  assert.deepEqual(await ask(10), { value: 1, at: 0 });
  assert.equal(made(), 1);
  const elsewhere = ask(10, 'another question');
  waiting[1]!();
  assert.equal((await elsewhere).value, 2);
});

test('what took long to make is fresh for longer', async () => {
  const { waiting, made, ask, at } = world();
  const first = ask(0);
  at(40);
  waiting[0]!();
  await first;
  await ask(800);
  assert.equal(made(), 1);
  await ask(801);
  assert.equal(made(), 2);
});

test('a stale answer is given at once while a new one is made; one that is too old is waited for', async () => {
  const { waiting, made, ask } = world();
  const first = ask(0);
  waiting[0]!();
  await first;
  assert.equal((await ask(50)).value, 1);
  assert.equal((await ask(50)).value, 1);
  assert.equal(made(), 2);
  waiting[1]!();
  await new Promise(setImmediate);
  assert.deepEqual(await ask(60), { value: 2, at: 50 });
  const late = ask(5_000);
  waiting[2]!();
  assert.equal((await late).value, 3);
});

test('a failure reaches those who had nothing to be given, and the next asks again', async () => {
  const { waiting, ask } = world();
  const first = ask(0);
  waiting[0]!(true);
  await assert.rejects(first, /away/);
  const second = ask(1);
  waiting[1]!();
  assert.equal((await second).value, 2);
  assert.equal((await ask(50)).value, 2);
  waiting[2]!(true);
  await new Promise(setImmediate);
  assert.equal((await ask(60)).value, 2, 'what is there stays');
});

test('a clock that went back keeps nothing of the future', async () => {
  const { waiting, ask } = world();
  const first = ask(1_000);
  waiting[0]!();
  await first;
  const second = ask(0);
  waiting[1]!();
  assert.deepEqual(await second, { value: 2, at: 0 });
});
