import { epochMs } from '#kernel/brand.ts';
import { answerCacheContract } from '#ports/answer-cache.contract.ts';
import { ledgerStoreContract } from '#ports/ledger-store.contract.ts';
import { stateStoreContract } from '#ports/state-store.contract.ts';
import { idempotencyContract } from '#ports/idempotency.contract.ts';
import { jobQueueContract } from '#ports/job-queue.contract.ts';
import { scoresContract } from '#ports/scores.contract.ts';
import { storedThingsContract } from '#ports/stored-things.contract.ts';
import { streamLogContract } from '#ports/stream-log.contract.ts';
import { MemoryAnswerCache } from './answer-cache.ts';
import { MemoryIdempotencyKeys } from './idempotency-keys.ts';
import { memoryJobs } from './job-queue.ts';
import { memoryScores } from './scores.ts';
import { memoryThings } from './stored-things.ts';
import { memoryLedger } from './ledger-store.ts';
import { memoryState } from './state-store.ts';
import { MemoryStreams, memoryStreamLog } from './stream-log.ts';

ledgerStoreContract({ name: 'memory', open: async () => memoryLedger() });
stateStoreContract({ name: 'memory', open: async () => memoryState() });
jobQueueContract({ name: 'memory', open: async () => memoryJobs() });
scoresContract({ name: 'memory', open: async () => memoryScores() });
storedThingsContract({ name: 'memory', open: async () => memoryThings() });
streamLogContract({
  name: 'memory',
  open: async (bounds) => {
    const clock = { now: () => epochMs(Date.now()), mono: () => performance.now() };
    const options = { shared: new MemoryStreams(), bounds: () => bounds, clock };
    return [memoryStreamLog(options), memoryStreamLog(options)];
  },
});
answerCacheContract({
  name: 'memory',
  open: async (bounds) =>
    new MemoryAnswerCache(
      () => bounds,
      () => epochMs(Date.now()),
    ),
});
idempotencyContract({
  name: 'memory',
  open: async (bounds) => {
    const journal = { claimed: () => undefined, released: () => undefined };
    const keys = new MemoryIdempotencyKeys({
      ...{ journal, known: [], now: () => epochMs(Date.now()) },
      bounds: () => ({ ...bounds, inAll: 1_000 }),
    });
    return [keys, keys];
  },
});
