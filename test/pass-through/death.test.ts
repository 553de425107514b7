import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';

const config = (url: string): string => `
providers:
  lab: { kind: lab, baseUrl: "${url}/v1" }
models:
  speaker: { deployments: [{ provider: lab }] }
  painter: { deployments: [{ provider: lab }] }
prices:
  - { provider: lab, model: speaker, perMillion: { character: "1000" } }
  - { provider: lab, model: painter, perMillion: { image: "40000" } }
`;

let upstream: ScriptedUpstream;
let gate: GateProcess;
const folder = temporaryFolder('death');

before(async () => {
  upstream = await startUpstream();
  gate = await startGate({ config: config(upstream.url), dataDir: folder });
});
after(async () => {
  await gate?.kill();
  await upstream?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a gate that dies under sound and under a stream of images leaves one entry each, charged what was reserved', async () => {
  const { key } = gate;
  upstream.answer(async (response, { path }) => {
    const images = path.includes('images');
    response.writeHead(200, { 'content-type': images ? 'text/event-stream' : 'audio/mpeg' });
    while (!response.destroyed) {
      response.write(images ? 'data: {"type":"image_generation.partial_image","b64_json":"AA=="}\n\n' : 'sound');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
  const call = async (path: string, body: object): Promise<string> => {
    const response = await fetch(`${gate.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const reader = response.body!.getReader();
    await reader.read();
    // Whatever comes until the death is nobody's concern.
    void (async () => {
      for (;;) if ((await reader.read()).done) return;
    })().catch(() => {});
    return response.headers.get('x-headgate-call-id')!;
  };
  const ids = await Promise.all([
    call('/v1/audio/speech', { model: 'speaker', input: 'twelve chars', voice: 'v' }),
    call('/v1/images/generations', { model: 'painter', prompt: 'p', n: 2, stream: true, partial_images: 3 }),
  ]);
  // Long enough for marks of progress, which say nothing of what is billed by unit.
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  await gate.kill();
  gate = await startGate({ config: config(upstream.url), dataDir: folder });
  const [speech, images] = await Promise.all(
    ids.map(async (id) => {
      let entry: any = null;
      await gate.until(`the entry ${id}`, async () => {
        entry = await gate.admin('GET', `/calls/${id}`).catch(() => null);
        return entry !== null;
      });
      return entry;
    }),
  );
  const nano = (entry: any): number => Math.round(Number(entry.cost.total) * 1e9);
  assert.deepEqual([speech.status, speech.kind, nano(speech)], ['interrupted', 'speech', 12_000_000]);
  assert.deepEqual([images.status, images.kind, nano(images)], ['interrupted', 'image', 80_000_000]);
});
