/** Loaded before the gate: SIGUSR2 ends its thread of the stores, as a crash of that thread would. */
import type { Worker } from 'node:worker_threads';

process.on('worker', (worker: Worker) => {
  if (worker.threadName === 'stores') process.once('SIGUSR2', () => void worker.terminate());
});
