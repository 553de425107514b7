import { parentPort, workerData } from 'node:worker_threads';
import { Counts } from './counts.ts';
import { Exporter } from './exporter.ts';
import type { ThreadData, ToThread } from './settings.ts';

/* The thread that turns settled calls into OTLP and sends it. Knows nothing of the gateway but entries as text. */
const { counts, settings } = workerData as ThreadData;
const exporter = new Exporter(settings, new Counts(counts));

parentPort!.on('message', (message: ToThread) => {
  if (message.do === 'calls') exporter.calls(message.rows);
  else if (message.do === 'settings') exporter.use(message.settings);
  else void exporter.close(message.limitMs).then((whole) => parentPort!.postMessage({ whole }));
});
