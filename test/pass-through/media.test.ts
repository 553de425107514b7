import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { pngFile, wavFile } from '#lab/provider/media.ts';
import { loadSdks, sdksSkip } from '../harness/sdks.ts';
import { inPassWorld } from './world.ts';

const config = (url: string): string => `
providers:
  lab: { kind: lab, baseUrl: "${url}/v1" }
  bare: { kind: lab, baseUrl: "${url}/v1" }
models:
  later: { deployments: [{ provider: bare }] }
  gpt-image-lab: { deployments: [{ provider: lab }] }
  dall-e-3: { deployments: [{ provider: lab }] }
  painter: { deployments: [{ provider: lab, model: a-longer-name-for-gpt-image }] }
  tts: { deployments: [{ provider: lab, model: tts-lab }] }
  tokens-tts: { deployments: [{ provider: lab, model: gpt-tts }] }
  whisper-1: { deployments: [{ provider: lab }] }
  gpt-transcribe: { deployments: [{ provider: lab }] }
  hears: { deployments: [{ provider: lab, model: a-much-longer-name-than-the-one-in-the-form-whisper }] }
prices:
  - provider: lab
    model: "*"
    perMillion: { input: "5", output: "40", inputImage: "10", outputImage: "32", inputAudio: "6", outputAudio: "12" }
  - { provider: lab, model: dall-e-3, perMillion: { image: "40000", hd-1024x1792.image: "120000" } }
  - { provider: lab, model: tts-lab, perMillion: { character: "15" } }
  - { provider: lab, model: whisper-1, perMillion: { audioSecond: "100" } }
  - { provider: lab, model: "a-much-*", perMillion: { audioSecond: "100" } }
`;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const nano = (entry: { cost: { total: string } }): number => Math.round(Number(entry.cost.total) * 1e9);

describe('images and sound by the official SDK', { skip: sdksSkip }, () => {
  const world = inPassWorld(config);
  const seen = () => world.provider.log.at(-1)!;

  test('images billed by token', async () => {
    const { data, response } = await world.openai.images
      .generate({ model: 'gpt-image-lab', prompt: 'a grey square', size: '1024x1024', quality: 'medium', n: 2 })
      .withResponse();
    assert.equal(data.data!.length, 2);
    const png = Buffer.from(data.data![0]!.b64_json!, 'base64');
    assert.equal(png.toString('latin1', 1, 4), 'PNG');
    const entry = await world.entryOf(response);
    assert.deepEqual([entry.kind, entry.usageSource, entry.status], ['image', 'provider', 'ok']);
    assert.deepEqual(entry.usage.units, { 'medium-1024x1024.image': 2 });
    assert.equal(entry.usage.outputImageTokens, 2 * 1056);
    assert.equal(nano(entry), data.usage!.input_tokens * 5_000 + 2 * 1056 * 32_000);
    assert.ok(Number(entry.reservedNanoUsd ?? 1) > 0);
  });

  test('images billed by the image, at the price of their quality and size', async () => {
    const call = { model: 'dall-e-3', prompt: 'a grey square' } as const;
    const hd = await world.openai.images.generate({ ...call, size: '1024x1792', quality: 'hd' }).withResponse();
    const dear = await world.entryOf(hd.response);
    assert.deepEqual(dear.usage.units, { 'hd-1024x1792.image': 1 });
    assert.deepEqual([nano(dear), dear.usageSource, dear.cost.other], [120_000_000, 'counted', dear.cost.total]);
    const plain = await world.openai.images.generate({ ...call, n: 3 }).withResponse();
    assert.equal(nano(await world.entryOf(plain.response)), 120_000_000);
  });

  test('a stream of images: partial ones, then the whole one with its usage', async () => {
    const { data: stream, response } = await world.openai.images
      .generate({ model: 'gpt-image-lab', prompt: 'a grey square', quality: 'low', stream: true, partial_images: 2 })
      .withResponse();
    const types: string[] = [];
    let tokens = 0;
    for await (const event of stream) {
      types.push(event.type);
      if (event.type === 'image_generation.completed') tokens = event.usage.output_tokens;
    }
    assert.deepEqual(types, [...Array(2).fill('image_generation.partial_image'), 'image_generation.completed']);
    const entry = await world.entryOf(response);
    assert.deepEqual([entry.stream, entry.status, entry.usage.outputTokens], [true, 'ok', tokens]);
    assert.equal(tokens, 272 + 200);
  });

  test('an edit: the files arrive byte for byte, under the deployment’s own model', async () => {
    const { toFile } = await toFileOf();
    const images = [pngFile(64, 64, 10), pngFile(64, 64, 90)];
    const { data, response } = await world.openai.images
      .edit({
        model: 'painter',
        prompt: 'naïve 中文 “quoted”',
        image: [await toFile(images[0]!, 'a "quoted" näme.png'), await toFile(images[1]!, 'b.png')],
        quality: 'low',
      })
      .withResponse();
    assert.equal(data.data!.length, 1);
    assert.equal(seen().model, 'a-longer-name-for-gpt-image');
    const entry = await world.entryOf(response);
    assert.deepEqual([entry.kind, entry.dialect], ['image', 'openai-image-edits']);
    assert.equal(entry.usage.inputImageTokens, 2 * 323);
  });

  test('a variation', async () => {
    const { toFile } = await toFileOf();
    const { response } = await world.openai.images
      .createVariation({ model: 'dall-e-3', image: await toFile(pngFile(64, 64, 10), 'a.png'), n: 2, size: '512x512' })
      .withResponse();
    const entry = await world.entryOf(response);
    assert.deepEqual([entry.usage.units, nano(entry)], [{ 'standard-512x512.image': 2 }, 80_000_000]);
  });

  test('speech: the sound byte for byte, billed by the character', async () => {
    const input = 'naïve 中文 👩‍👩‍👧 spoken text. '.repeat(20);
    const response = await world.openai.audio.speech.create({
      model: 'tts',
      input,
      voice: 'ash',
      response_format: 'wav',
    });
    assert.equal(response.headers.get('content-type'), 'audio/wav');
    const sound = Buffer.from(await response.arrayBuffer());
    assert.equal(sha256(sound), sha256(wavFile([...input].length / 15)));
    const entry = await world.entryOf(response);
    assert.deepEqual(
      [entry.kind, entry.usageSource, entry.usage.units],
      ['speech', 'counted', { character: [...input].length }],
    );
    assert.equal(nano(entry), [...input].length * 15_000);
    assert.equal(entry.bytesOut, sound.length);
  });

  test('speech as events, billed by the tokens that the last one states', async () => {
    const response = await world.openai.audio.speech.create({
      model: 'tokens-tts',
      input: 'some words to say',
      voice: 'ash',
      stream_format: 'sse',
    });
    const text = await response.text();
    assert.ok(text.includes('speech.audio.done'));
    const entry = await world.entryOf(response);
    assert.equal(entry.usageSource, 'provider');
    assert.equal(entry.usage.outputAudioTokens, seen().usageSent!.output);
    assert.equal(nano(entry), entry.usage.inputTokens * 5_000 + entry.usage.outputTokens * 12_000);
  });

  test('speech of a model that is billed by token and does not say how many: unknown, never zero', async () => {
    const response = await world.post('/v1/audio/speech', { model: 'tokens-tts', input: 'x', voice: 'ash' });
    assert.ok((await response.arrayBuffer()).byteLength > 0);
    assert.equal((await world.entryOf(response)).cost, null);
  });

  const sound = wavFile(3.25);

  test('a transcription billed by token', async () => {
    const { toFile } = await toFileOf();
    const { data, response } = await world.openai.audio.transcriptions
      .create({ model: 'gpt-transcribe', file: await toFile(sound, 'sound.wav') })
      .withResponse();
    assert.match(data.text, new RegExp(sha256(sound)));
    const entry = await world.entryOf(response);
    assert.deepEqual([entry.kind, entry.usage.inputAudioTokens], ['transcription', 33]);
    assert.equal(nano(entry), 33 * 6_000 + entry.usage.outputTokens * 40_000);
  });

  test('a streamed transcription', async () => {
    const { toFile } = await toFileOf();
    const { data: stream, response } = await world.openai.audio.transcriptions
      .create({ model: 'gpt-transcribe', file: await toFile(sound, 'sound.wav'), stream: true })
      .withResponse();
    let text = '';
    let done = '';
    for await (const event of stream) {
      if (event.type === 'transcript.text.delta') text += event.delta;
      if (event.type === 'transcript.text.done') done = event.text;
    }
    assert.equal(text, done);
    assert.match(text, new RegExp(sha256(sound)));
    const entry = await world.entryOf(response);
    assert.deepEqual([entry.stream, entry.usage.outputTokens], [true, seen().usageSent!.output]);
  });

  test('whisper: JSON and verbose JSON by the seconds that the provider states', async () => {
    const { toFile } = await toFileOf();
    const file = await toFile(sound, 'sound.wav');
    const plain = await world.openai.audio.transcriptions.create({ model: 'whisper-1', file }).withResponse();
    const byBill = await world.entryOf(plain.response);
    assert.deepEqual([byBill.usage.units, byBill.usageSource, nano(byBill)], [{ audioMs: 4_000 }, 'provider', 400_000]);
    const verbose = await world.openai.audio.transcriptions
      .create(
        { model: 'whisper-1', file: await toFile(sound, 'sound.wav'), response_format: 'verbose_json' },
        { headers: { 'x-lab-fault': 'no-usage' } },
      )
      .withResponse();
    assert.equal(verbose.data.duration, 3.25);
    assert.equal(nano(await world.entryOf(verbose.response)), 325_000);
  });

  test('whisper as text and subtitles: by the head of the WAV file, or unknown', async () => {
    const { toFile } = await toFileOf();
    for (const response_format of ['text', 'srt', 'vtt'] as const) {
      const { data, response } = await world.openai.audio.transcriptions
        .create({ model: 'hears', file: await toFile(sound, 'sound.wav'), response_format })
        .withResponse();
      assert.match(data, new RegExp(sha256(sound)));
      const entry = await world.entryOf(response);
      assert.deepEqual([entry.usage.units, entry.usageSource, nano(entry)], [{ audioMs: 3_250 }, 'counted', 325_000]);
    }
    const { response } = await world.openai.audio.translations
      .create({ model: 'hears', file: await toFile(Buffer.alloc(9_000, 7), 'sound.mp3'), response_format: 'text' })
      .withResponse();
    const unknown = await world.entryOf(response);
    assert.deepEqual([unknown.cost, unknown.usageSource, unknown.status], [null, 'none', 'ok']);
  });

  test('units of a call without a price are kept, and priced once there is one', async () => {
    const body = { model: 'later', input: 'twelve chars', voice: 'ash' };
    const response = await world.post('/v1/audio/speech', body);
    await response.arrayBuffer();
    const before = await world.entryOf(response);
    assert.deepEqual([before.cost, before.usageSource, before.usage.units], [null, 'counted', { character: 12 }]);
    await world.gate.admin('POST', '/prices', { provider: 'bare', model: 'later', perMillion: { character: '15' } });
    const { applied } = await world.gate.admin('POST', '/prices/reprice', {
      since: '1h',
      model: 'later',
      dryRun: false,
    });
    assert.equal(applied, 1);
    const { calls } = await world.gate.admin('GET', '/calls?model=later');
    const corrected = calls.find(({ corrects }: any) => corrects === before.id);
    assert.equal(nano(corrected), 12 * 15_000);
  });

  test('a streamed edit', async () => {
    const { toFile } = await toFileOf();
    const { data: stream, response } = await world.openai.images
      .edit({
        model: 'painter',
        prompt: 'brighter',
        image: await toFile(pngFile(64, 64, 10), 'a.png'),
        quality: 'low',
        stream: true,
        partial_images: 1,
      })
      .withResponse();
    const types: string[] = [];
    for await (const event of stream) types.push(event.type);
    assert.deepEqual(types, ['image_edit.partial_image', 'image_edit.completed']);
    const entry = await world.entryOf(response);
    assert.deepEqual([entry.status, entry.usage.outputTokens, entry.usageSource], ['ok', 372, 'provider']);
  });

  test('Vercel’s AI SDK: an image, speech, a transcription', async () => {
    const { ai, createOpenAI } = await loadSdks();
    const openai = createOpenAI({ apiKey: world.gate.key, baseURL: `${world.gate.url}/v1` });
    const { image } = await ai.generateImage({ model: openai.image('gpt-image-lab'), prompt: 'a square' });
    assert.equal(Buffer.from(image.uint8Array).toString('latin1', 1, 4), 'PNG');
    const { audio } = await ai.generateSpeech({ model: openai.speech('tts'), text: 'hello', outputFormat: 'wav' });
    assert.equal(sha256(audio.uint8Array), sha256(wavFile(5 / 15)));
    const heard = await ai.transcribe({ model: openai.transcription('whisper-1'), audio: sound });
    assert.match(heard.text, new RegExp(sha256(sound)));
    assert.equal(heard.durationInSeconds, 3.25);
  });

  test('Azure’s paths name the model, in a form too', async () => {
    const form = new FormData();
    form.set('file', new Blob([sound as Uint8Array<ArrayBuffer>]), 'sound.wav');
    const response = await world.post('/openai/deployments/hears/audio/transcriptions?api-version=2024-10-21', form);
    assert.equal(response.status, 200);
    assert.equal(seen().model, 'a-much-longer-name-than-the-one-in-the-form-whisper');
    const v1 = await world.post('/openai/v1/audio/speech', { model: 'tts', input: 'hi', voice: 'ash' });
    assert.equal(v1.headers.get('content-type'), 'audio/mpeg');
    await v1.arrayBuffer();
  });
});

async function toFileOf(): Promise<{ toFile: typeof import('openai').toFile }> {
  const { OpenAI } = await loadSdks();
  return OpenAI as never;
}
