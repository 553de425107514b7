/**
 * `node lab/metering/main.ts [--port 0] [--seed 1] [--failures 0.1] [--delay 0] [--token t]`
 * Prints `{"listening": url}`, then a JSON line each second in which something came.
 */
import { parseArgs } from 'node:util';
import { startReceiver } from './receiver.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    failures: { type: 'string', default: '0' },
    delay: { type: 'string', default: '0' },
    token: { type: 'string' },
  },
});
const { port, seed, failures, delay, token } = values;
const receiver = await startReceiver({
  ...{ port: Number(port), seed: Number(seed), failures: Number(failures), delayMs: Number(delay) },
  ...(token !== undefined && { token }),
});
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
print({ listening: receiver.url });
let told = 0;
setInterval(() => {
  if (receiver.requests === told) return;
  told = receiver.requests;
  const events = new Set(receiver.taken.map(({ id }) => id)).size;
  print({ requests: told, taken: receiver.taken.length, events, faults: receiver.faults.length });
}, 1_000);
