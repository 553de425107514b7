import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { json } from '../clients-rules/scripted-upstream.ts';
import { ANSWER, ask } from './asking.ts';
import { startCollector, type Collector } from './collector.ts';
import { allSpans, judgeSkip } from './judge.ts';
import { inTelemetryWorld } from './telemetry-world.ts';

describe('the exporter and a changed file', { skip: judgeSkip }, () => {
  const world = inTelemetryWorld({ otlp: '    metrics: { enabled: false }' });
  let second: Collector;
  before(async () => {
    second = await startCollector();
  });
  after(() => second.close());

  const changed = async (change: (text: string) => string): Promise<void> => {
    const file = join(world.gate.dataDir, 'headgate.yaml');
    const { configuration } = await world.gate.admin('GET', '/status');
    writeFileSync(file, change(readFileSync(file, 'utf8')));
    await world.gate.until(
      'the reload',
      async () => (await world.gate.admin('GET', '/status')).configuration !== configuration,
    );
  };
  const called = async (): Promise<void> => {
    world.first.answer(json(ANSWER));
    assert.equal((await ask(world.gate)).status, 200);
  };

  test('another collector from then on; none; and one again', async () => {
    await called();
    await world.gate.until('the first', () => allSpans(world.collector).length === 2);
    await changed((text) => text.replace(world.collector.url, second.url));
    await called();
    await world.gate.until('the second', () => allSpans(second).length === 2);
    assert.equal(allSpans(world.collector).length, 2);
    const text = readFileSync(join(world.gate.dataDir, 'headgate.yaml'), 'utf8');
    await changed((whole) => whole.replace(/telemetry:\n {2}otlp:\n(?: {4}.*\n|\n)*/, ''));
    assert.equal((await world.gate.admin('GET', '/status')).telemetry.on, false);
    await called();
    await changed(() => text);
    await called();
    await world.gate.until('the third', () => allSpans(second).length === 4);
    assert.equal(allSpans(world.collector).length, 2);
  });

  test('a secret that is not there, and an endpoint that is none, are refused with their place', async () => {
    const file = join(world.gate.dataDir, 'headgate.yaml');
    const good = readFileSync(file, 'utf8');
    for (const [from, to, why] of [
      ['${env:COLLECTOR_KEY}', '${env:NOT_THERE}', /telemetry\.otlp\.headers\.x-collector: .*NOT_THERE is not set/],
      [second.url, 'ftp://collector', /telemetry\.otlp\.endpoint: must be http or https/],
    ] as const) {
      writeFileSync(file, good.replace(from, to));
      await world.gate.until('the refusal', async () =>
        why.test((await world.gate.admin('GET', '/configuration')).refused?.why ?? ''),
      );
    }
    writeFileSync(file, good);
    await called();
    await world.gate.until('the fourth', () => allSpans(second).length === 6);
  });
});
