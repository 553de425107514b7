import type { Frame, TokenUse } from './answer.ts';
import { describe, failing, type Shop } from './answering.ts';
import * as audio from './dialects/audio.ts';
import { imageFrames, images, imageUse, readImageAsk } from './dialects/images.ts';
import type { Json } from './dialects/reading.ts';
import { readDirective } from './directive.ts';
import { LabError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Endpoint, Route } from './routes.ts';

const FORMS: ReadonlySet<Endpoint> = new Set(['image_edits', 'image_variations', 'transcriptions', 'translations']);

export const takesForm = (endpoint: Endpoint): boolean => FORMS.has(endpoint);

/** A form as a reader that is not ours understands it: the platform's own (undici). */
export async function readForm(exchange: Exchange, body: Buffer): Promise<FormData> {
  const type = exchange.request.headers['content-type'] ?? '';
  try {
    return await new Response(body as Uint8Array<ArrayBuffer>, { headers: { 'content-type': type } }).formData();
  } catch {
    throw new LabError(400, 'Could not parse multipart form');
  }
}

interface Form {
  readonly fields: Json;
  readonly files: ReadonlyMap<string, readonly Buffer[]>;
}

async function takenApart(form: FormData): Promise<Form> {
  const fields: Record<string, unknown> = {};
  const files = new Map<string, Buffer[]>();
  for (const [name, value] of form) {
    if (typeof value === 'string') fields[name] = value;
    else files.set(name, [...(files.get(name) ?? []), Buffer.from(await value.arrayBuffer())]);
  }
  return { fields, files };
}

const tokens = (input: number, output: number): TokenUse => ({
  ...{ input, output, cachedRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 0 },
});

/** Did a fault take the place of the answer? Faults stand in the header or in `text`. */
function failed(shop: Shop, exchange: Exchange, model: string, text: string): Promise<boolean> {
  const header = (name: string): string | undefined => exchange.request.headers[name]?.toString();
  return failing(shop, exchange, readDirective({ model, header, lastUserText: text }).faults);
}

const withModel = (body: Json, { deployment }: Route): Json =>
  deployment === null ? body : { model: deployment, ...body };

export async function answerForm(shop: Shop, exchange: Exchange, route: Route, body: Buffer): Promise<void> {
  const form = await takenApart(await readForm(exchange, body));
  const fields = withModel(form.fields, route);
  const { endpoint } = route;
  if (endpoint === 'transcriptions' || endpoint === 'translations') {
    const file = form.files.get('file')?.[0];
    if (!file) throw new LabError(400, "Missing required parameter: 'file'.", { param: 'file' });
    return transcribe(shop, exchange, audio.readSoundAsk(fields, file), endpoint);
  }
  const files = ['image', 'image[]', 'mask'].flatMap((name) => form.files.get(name) ?? []);
  if (files.length === 0) throw new LabError(400, "Missing required parameter: 'image'.", { param: 'image' });
  await draw(shop, exchange, fields, endpoint === 'image_edits' ? files.length : 1, 'image_edit');
}

export async function answerImages(shop: Shop, exchange: Exchange, route: Route, body: Json): Promise<void> {
  await draw(shop, exchange, withModel(body, route), 0, 'image_generation');
}

type Kind = 'image_generation' | 'image_edit';

async function draw(shop: Shop, exchange: Exchange, body: Json, files: number, kind: Kind): Promise<void> {
  const ask = readImageAsk(body, kind, files);
  describe(exchange, ask.model, ask.stream, kind);
  if (await failed(shop, exchange, ask.model, ask.prompt)) return;
  const createdS = Math.floor(Date.now() / 1000);
  const use = imageUse(ask);
  const sent = use && tokens(use.textTokens + use.imageTokens, use.outputTokens);
  if (ask.stream) return sendFrames(exchange, imageFrames(ask, createdS), sent);
  if (await exchange.unary(images(ask, createdS))) exchange.entry.usageSent = sent;
}

async function sendFrames(exchange: Exchange, frames: readonly Frame[], use: TokenUse | null): Promise<void> {
  exchange.startStream();
  const writer = exchange.writer();
  for (const frame of frames) writer.frames([frame.terminal ? { ...frame, usage: use } : frame], 1);
  await writer.end();
}

export async function answerSpeech(shop: Shop, exchange: Exchange, route: Route, body: Json): Promise<void> {
  const ask = audio.readSpeechAsk(withModel(body, route));
  describe(exchange, ask.model, ask.sse, 'speech');
  if (await failed(shop, exchange, ask.model, ask.input)) return;
  const use = audio.speechUse(ask);
  if (ask.sse) return sendFrames(exchange, audio.speechFrames(ask), tokens(use.input, use.output));
  const { type, bytes } = audio.speechFile(ask);
  await exchange.whole(type, bytes);
}

async function transcribe(shop: Shop, exchange: Exchange, ask: audio.SoundAsk, task: string): Promise<void> {
  describe(exchange, ask.model, ask.stream, 'transcribe');
  if (await failed(shop, exchange, ask.model, '')) return;
  const use = audio.soundUse(ask);
  const sent = use && tokens(use.text + use.audio, use.output);
  if (ask.stream) return sendFrames(exchange, audio.transcriptFrames(ask), sent);
  const { type, text } = audio.transcription(ask, task.slice(0, -1), exchange.fault('no-usage') === null);
  if (await exchange.whole(type, Buffer.from(text))) exchange.entry.usageSent = sent;
}
