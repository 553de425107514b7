/** The other process: `node client.ts <protocol|plain> <port> <streams>` reads so many streams and prints the lags. */
import { DdSketch } from '#math/ddsketch.ts';
import { plain } from './plain.ts';
import { PROTOCOLS } from './protocols.ts';

const [name = 'sse', port, count] = process.argv.slice(2);
const { read } = PROTOCOLS.find((one) => one.name === name) ?? plain;
const lag = new DdSketch();
let events = 0;

const SENT = /sent=(\d+)/;
function note(data: string): void {
  const sent = SENT.exec(data)?.[1];
  if (sent === undefined) return;
  events++;
  lag.add(Math.max(0, performance.timeOrigin + performance.now() - Number(sent) / 1000));
}

const readings: Promise<void>[] = [];
for (let i = 0; i < Number(count); i++) {
  readings.push(read(Number(port), note));
  if (i % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 10));
}
await Promise.all(readings);
console.log(JSON.stringify({ events, p50: lag.quantile(0.5), p99: lag.quantile(0.99) }));
process.exit(0);
