import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { HeadgateError } from '#kernel/errors.ts';
import { epochMs } from '#kernel/brand.ts';
import { everyTenant } from '#kernel/whose.ts';
import { ledgerStoreContract } from '#ports/ledger-store.contract.ts';
import { stateStoreContract } from '#ports/state-store.contract.ts';
import { memoryLedger } from '#stores/memory/ledger-store.ts';
import { memoryState } from '#stores/memory/state-store.ts';
import { jobQueueContract } from '#ports/job-queue.contract.ts';
import { scoresContract } from '#ports/scores.contract.ts';
import { storedThingsContract } from '#ports/stored-things.contract.ts';
import { memoryJobs } from '#stores/memory/job-queue.ts';
import { memoryScores } from '#stores/memory/scores.ts';
import { memoryThings } from '#stores/memory/stored-things.ts';
import { JOBS_TARGET, jobsTarget, remoteJobs } from './job-queue.ts';
import { remoteScores, SCORES_TARGET, scoresTarget } from './scores.ts';
import { remoteThings, THINGS_TARGET, thingsTarget } from './stored-things.ts';
import { notify, RemoteClient, serveRemote, type ClientOptions, type Target } from './channel.ts';
import { LEDGER_TARGET, ledgerTarget, remoteLedger } from './ledger-store.ts';
import { remoteState, STATE_TARGET, stateTarget } from './state-store.ts';

const EVERY = everyTenant('a test');
const closing: (() => void)[] = [];
after(() => closing.forEach((close) => close()));

function connect(targets: Record<string, Target>, options: ClientOptions = {}) {
  const { port1, port2 } = new MessageChannel();
  closing.push(() => port1.close());
  serveRemote(port2, targets);
  return { client: new RemoteClient(port1, options), server: port2 };
}

ledgerStoreContract({
  name: 'remote',
  open: async () => remoteLedger(connect({ [LEDGER_TARGET]: ledgerTarget(memoryLedger()) }).client),
});
stateStoreContract({
  name: 'remote',
  open: async () => remoteState(connect({ [STATE_TARGET]: stateTarget(memoryState()) }).client),
});

jobQueueContract({
  name: 'remote',
  open: async () => remoteJobs(connect({ [JOBS_TARGET]: jobsTarget(memoryJobs()) }).client),
});
scoresContract({
  name: 'remote',
  open: async () => remoteScores(connect({ [SCORES_TARGET]: scoresTarget(memoryScores()) }).client),
});
storedThingsContract({
  name: 'remote',
  open: async () => remoteThings(connect({ [THINGS_TARGET]: thingsTarget(memoryThings()) }).client),
});

const isAway = (error: unknown): boolean => error instanceof HeadgateError && error.code === 'store_unavailable';
const never: Target = { load: () => new Promise(() => undefined) };

test('what is not answered in time is store_unavailable', async () => {
  const state = remoteState(connect({ [STATE_TARGET]: never }, { timeLimitMs: 20 }).client);
  await assert.rejects(state.load(EVERY), isAway);
});

test('more questions than the bound are refused at once', async () => {
  const { client } = connect({ [STATE_TARGET]: never }, { timeLimitMs: 50, pendingLimit: 2 });
  const state = remoteState(client);
  const ends = await Promise.allSettled([state.load(EVERY), state.load(EVERY), state.load(EVERY)]);
  assert.match(String((ends[2] as PromiseRejectedResult).reason), /wait already/);
});

test('a thread that ends fails what waits and what comes', async () => {
  const { client, server } = connect({ [STATE_TARGET]: never });
  const state = remoteState(client);
  const waiting = assert.rejects(state.load(EVERY), isAway);
  server.close();
  await waiting;
  await assert.rejects(state.load(EVERY), isAway);
});

test('errors of the table cross with code and details, our mistakes without their text', async () => {
  const failing: Target = {
    load: async () => {
      throw new HeadgateError('conflict', { message: 'taken', field: 'key' });
    },
    audit: async () => {
      throw new Error('a secret path');
    },
  };
  const state = remoteState(connect({ [STATE_TARGET]: failing }).client);
  await assert.rejects(
    state.load(EVERY),
    (error: HeadgateError) => error.code === 'conflict' && error.details.field === 'key',
  );
  const warned = new Promise((resolve) => process.once('warning', resolve));
  await assert.rejects(
    state.audit({ whose: EVERY, limit: 1 }),
    (error: HeadgateError) => error.code === 'internal' && !error.message.includes('secret'),
  );
  await warned;
  await assert.rejects(
    remoteLedger(connect({}).client).retain({ entriesBefore: epochMs(0), minutesBefore: epochMs(0) }),
    (error: HeadgateError) => error.code === 'internal',
  );
});

test('a notice arrives unasked', async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const { server } = connect({}, { onNotice: resolve });
  notify(server, { kind: 'store_back', nanoUsd: 5n });
  assert.deepEqual(await promise, { kind: 'store_back', nanoUsd: 5n });
});
