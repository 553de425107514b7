/**
 * The other process: `node client.ts <protocol|plain> <port> <streams> <warm streams>` reads the warm ones to their end,
 * then the others, and prints the lags of these.
 */
import { DdSketch } from '#math/ddsketch.ts';
import { plain } from './plain.ts';
import { PROTOCOLS } from './protocols.ts';

const [name = 'sse', ...numbers] = process.argv.slice(2);
const [port = 0, streams = 1_000, warm = 0] = numbers.map(Number);
const { read } = PROTOCOLS.find((one) => one.name === name) ?? plain;

const SENT = /sent=(\d+)/;

/** Milliseconds from sending to reading, of each event of so many streams. */
async function lagsOf(count: number): Promise<DdSketch> {
  const lags = new DdSketch();
  const note = (data: string): void => {
    const sent = SENT.exec(data)?.[1];
    if (sent === undefined) return;
    lags.add(Math.max(0, performance.timeOrigin + performance.now() - Number(sent) / 1000));
  };
  const readings: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    readings.push(read(port, note));
    if (i % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await Promise.all(readings);
  return lags;
}

if (warm > 0) await lagsOf(warm);
const lags = await lagsOf(streams);
console.log(JSON.stringify({ events: lags.count, p50: lags.quantile(0.5), p99: lags.quantile(0.99) }));
process.exit(0);
