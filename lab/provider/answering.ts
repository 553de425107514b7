import type { Rng } from '#kernel/rng.ts';
import type { Ask, Choice, Frame, RenderContext, StreamParts, TokenUse } from './answer.ts';
import { answerImages, answerSpeech } from './answering-media.ts';
import { answerVendors, isVendors } from './answering-vendors.ts';
import * as anthropic from './dialects/anthropic.ts';
import * as completions from './dialects/completions.ts';
import * as converse from './dialects/bedrock-converse.ts';
import { embeddings, readEmbedAsk } from './dialects/embeddings.ts';
import * as google from './dialects/google.ts';
import * as googleEmbed from './dialects/google-embeddings.ts';
import { moderation, moderationText } from './dialects/moderations.ts';
import * as chat from './dialects/openai-chat.ts';
import * as responses from './dialects/openai-responses.ts';
import type { Json } from './dialects/reading.ts';
import { type Directive, readDirective } from './directive.ts';
import type { EngineDriver } from './engine-driver.ts';
import { LabError, statusError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import {
  numberOf,
  parseFaults,
  randomFaults,
  scheduledFaults,
  faultText,
  type Fault,
  type ScheduledFault,
} from './faults.ts';
import type { Account } from './account.ts';
import type { Journal } from './journal.ts';
import type { ResolvedOptions } from './options.ts';
import { choiceTokens, planAnswer, randomId } from './plan-answer.ts';
import { type Recorded, recordedFrames } from './recorded.ts';
import { RECORDED } from './recorded/index.ts';
import type { Batch } from './batch-store.ts';
import type { FileStore } from './file-store.ts';
import type { ResponseStore } from './responses-store.ts';
import type { Route } from './routes.ts';
import { placeIn } from './scripts.ts';
import { type Prompt, inflated, promptOf, tokenUse } from './token-use.ts';
import { countTokens } from './tokens.ts';

/** What one provider shares between its requests. */
export interface Shop {
  readonly options: ResolvedOptions;
  readonly driver: EngineDriver;
  readonly journal: Journal;
  readonly store: ResponseStore;
  readonly files: FileStore;
  /** By id, oldest first. */
  readonly batches: Map<string, Batch>;
  readonly rng: Rng;
  /** Turns of scripts whose `faultOnce` has happened. */
  readonly failedOnce: Set<string>;
  /** Null: without limits. */
  readonly account: Account | null;
  schedule: readonly ScheduledFault[];
  refuse(ms: number): void;
}

interface GenerateDialect {
  readonly unary: (choices: readonly Choice[], context: RenderContext) => object;
  readonly stream: (choices: readonly Choice[], context: RenderContext) => StreamParts;
}

const GENERATE: Readonly<Record<string, GenerateDialect>> = {
  chat,
  completions,
  responses,
  messages: anthropic,
  converse,
  generateContent: google,
  compact: { unary: responses.compacted, stream: responses.stream },
};

/** Answers one decoded request. Throws {@link LabError} for what the API refuses. */
export async function answer(shop: Shop, exchange: Exchange, route: Route, body: Json): Promise<void> {
  if (route.endpoint === 'embeddings') return embed(shop, exchange, withDeployment(body, route));
  if (route.endpoint === 'embedContent') return googleEmbeddings(shop, exchange, route, body);
  if (route.endpoint === 'moderations') return moderate(shop, exchange, withDeployment(body, route));
  if (isVendors(route.endpoint)) return answerVendors(shop, exchange, route.endpoint, body);
  if (route.endpoint === 'images') return answerImages(shop, exchange, route, body);
  if (route.endpoint === 'speech') return answerSpeech(shop, exchange, route, body);
  const ask = readAskOf(shop, exchange, route, withDeployment(body, route));
  const directive = directiveOf(exchange, ask);
  describe(exchange, ask.model, ask.stream, directive.mode);
  exchange.entry.continues = ask.continues;
  if (route.endpoint === 'count_tokens' || route.endpoint === 'countTokens') {
    if (await failing(shop, exchange, directive.faults)) return;
    const tokens = Math.max(1, countTokens(ask.prompt));
    return exchange.json(200, route.endpoint === 'countTokens' ? { totalTokens: tokens } : { input_tokens: tokens });
  }
  if (await failing(shop, exchange, [...directive.faults, ...scriptFaults(shop, exchange, ask, directive)])) return;
  if (directive.mode === 'recorded') return replay(shop, exchange, route, ask, directive);
  await generate(shop, exchange, route, ask, directive);
}

/** Does the caller mark what may be cached? */
const marksCache = ({ dialect }: Route): boolean => dialect === 'anthropic' || dialect === 'bedrock';

const withDeployment = (body: Json, route: Route): Json =>
  route.deployment === null || route.platform !== null ? body : { model: route.deployment, ...body };

function readAskOf(shop: Shop, exchange: Exchange, route: Route, body: Json): Ask {
  if (route.endpoint === 'chat') return chat.readAsk(body);
  if (route.endpoint === 'converse') return converse.readAsk(body, route.deployment!, route.streams === true);
  if (route.dialect === 'google') return google.readAsk(counted(route, body), googleAsked(exchange, route));
  if (route.endpoint === 'completions') return completions.readAsk(body);
  if (route.endpoint !== 'responses' && route.endpoint !== 'compact')
    return anthropic.readAsk(body, route.endpoint === 'count_tokens');
  return responses.readAsk(body, itemsBefore(shop, body['previous_response_id']));
}

/** A count may be of contents alone, or of a whole call. */
const counted = (route: Route, body: Json): Json =>
  ((route.endpoint === 'countTokens' && google.field(body, 'generateContentRequest')) || body) as Json;

function googleAsked({ entry }: Exchange, route: Route): google.Asked {
  const stream = route.action === 'streamGenerateContent';
  if (stream && !entry.path.includes('alt=sse')) throw new LabError(400, 'The lab streams server-sent events alone.');
  return { model: route.id!, stream };
}

function itemsBefore(shop: Shop, id: unknown): readonly unknown[] {
  if (id === undefined || id === null) return [];
  const stored = shop.store.get(String(id));
  if (stored) return stored.items;
  const more = { code: 'previous_response_not_found', param: 'previous_response_id' };
  throw new LabError(400, `Previous response with id '${String(id)}' not found.`, more);
}

const directiveOf = (exchange: Exchange, ask: Ask): Directive =>
  readDirective({
    model: ask.model,
    header: (name) => exchange.request.headers[name]?.toString(),
    lastUserText: ask.lastUserText,
  });

export function describe(exchange: Exchange, model: string, stream: boolean, mode: string): void {
  exchange.entry.model = model;
  exchange.entry.stream = stream;
  exchange.entry.mode = mode;
}

/** Notes where in its script a request stands; what that turn fails with the first time that it is asked for. */
function scriptFaults(shop: Shop, exchange: Exchange, ask: Ask, { mode, name }: Directive): Fault[] {
  const script = mode === 'script' ? shop.options.scripts.get(name ?? '') : undefined;
  if (!script) return [];
  const { turn, id } = placeIn(script, ask);
  exchange.entry.turn = id;
  const once = `${name}:${id}`;
  if (turn.faultOnce === undefined || shop.failedOnce.has(once)) return [];
  shop.failedOnce.add(once);
  return parseFaults(turn.faultOnce);
}

/** Gathers the faults of this request from all sources and performs those that need no answer. */
export async function failing(shop: Shop, exchange: Exchange, asked: readonly Fault[]): Promise<boolean> {
  const { entry } = exchange;
  const moment = { n: entry.n, sinceStartMs: shop.journal.sinceStartMs(), model: entry.model ?? '', path: entry.path };
  const faults = [
    ...asked,
    ...scheduledFaults(shop.schedule, moment),
    ...randomFaults(shop.rng, shop.options.faultRate, shop.options.faults),
  ];
  exchange.faults = faults;
  entry.faults = faults.map(faultText);
  const refuse = exchange.fault('refuse');
  if (refuse) shop.refuse(numberOf(refuse, 1_000));
  if (refuse) exchange.faults = [...faults, { name: 'reset', value: null }];
  return exchange.failEarly();
}

function embed(shop: Shop, exchange: Exchange, body: Json): Promise<void> {
  const ask = readEmbedAsk(body);
  const text = typeof ask.inputs[0] === 'string' ? ask.inputs[0] : '';
  return embedded(shop, exchange, { ...ask, text }, (usage) => embeddings(ask, usage));
}

function googleEmbeddings(shop: Shop, exchange: Exchange, route: Route, body: Json): Promise<void> {
  const ask = googleEmbed.readEmbedAsk(body, route.id!, route.action === 'batchEmbedContents');
  const asked = { model: route.id!, tokens: ask.tokens, text: ask.texts[0] ?? '' };
  return embedded(shop, exchange, asked, (usage) => googleEmbed.embeddings(ask, usage));
}

async function embedded(
  shop: Shop,
  exchange: Exchange,
  ask: { readonly model: string; readonly tokens: number; readonly text: string },
  render: (usage: boolean) => object,
): Promise<void> {
  const directive = readDirective({
    model: ask.model,
    header: (name) => exchange.request.headers[name]?.toString(),
    lastUserText: ask.text,
  });
  describe(exchange, ask.model, false, 'embed');
  exchange.entry.inputTokens = ask.tokens;
  if (await failing(shop, exchange, directive.faults)) return;
  const ran = await runEngine(
    shop,
    exchange,
    { tokens: ask.tokens, blocks: [] },
    0,
    () => {},
    () => {},
  );
  if (!ran) return;
  const complete = await exchange.unary(render(exchange.fault('no-usage') === null));
  if (complete && !exchange.fault('no-usage')) {
    exchange.entry.usageSent = {
      input: ask.tokens,
      cachedRead: 0,
      cacheWrite5m: 0,
      cacheWrite1h: 0,
      output: 0,
      reasoning: 0,
    };
  }
}

async function moderate(shop: Shop, exchange: Exchange, body: Json): Promise<void> {
  const model = String(body['model'] ?? '');
  const header = (name: string): string | undefined => exchange.request.headers[name]?.toString();
  const directive = readDirective({ model, header, lastUserText: moderationText(body) });
  describe(exchange, model, false, 'moderate');
  const answered = moderation(body, randomId(shop.rng, ''));
  if (!(await failing(shop, exchange, directive.faults))) await exchange.unary(answered);
}

async function generate(shop: Shop, exchange: Exchange, route: Route, ask: Ask, directive: Directive): Promise<void> {
  const choices = planAnswer({
    ask,
    directive,
    rng: shop.rng,
    lengths: shop.options.lengths,
    scripts: shop.options.scripts,
  });
  const prompt = promptOf(ask, marksCache(route), shop.options.sizes.blockTokens);
  const render = renderer(shop, exchange, route, ask, choices, prompt);
  const total = choices.reduce((sum, choice) => sum + choiceTokens(choice), 0);
  exchange.entry.inputTokens = prompt.tokens;
  exchange.entry.outputTokensPlanned = total;
  if (shop.account) fromAccount(shop.account, exchange, prompt.tokens + total);
  if (ask.body['background'] === true && route.endpoint === 'responses' && !ask.stream)
    return inBackground(shop, exchange, render(0), directive.afterMs ?? BACKGROUND_MS);
  if (ask.stream) await streamed(shop, exchange, prompt, total, (cached) => render(cached).stream());
  else await whole(shop, exchange, prompt, total, render);
}

/** Counts a call on the account, or refuses it as the APIs do: with a wait, and with what is left in each head. */
function fromAccount(account: Account, exchange: Exchange, tokens: number): void {
  const now = performance.now();
  const waitMs = account.take(tokens, now);
  exchange.entry.account = account.state(now);
  if (waitMs === 0) return;
  const { type, code, message } = statusError(exchange.dialect, 429);
  throw new LabError(429, message, {
    type,
    ...(code !== null && { code }),
    headers: { 'retry-after': String(Math.ceil(waitMs / 1_000)), 'retry-after-ms': String(Math.ceil(waitMs)) },
  });
}

/** Soon, so that tests are; longer than a poll at once takes. */
const BACKGROUND_MS = 200;

/** Answers at once that the response is queued, and keeps the finished one for later. */
async function inBackground(shop: Shop, exchange: Exchange, rendered: Rendered, afterMs: number): Promise<void> {
  const done = rendered.unary() as Record<string, unknown>;
  const queued = { ...done, status: 'queued', output: [], usage: null, completed_at: null };
  shop.store.later(String(done['id']), queued, Date.now() + afterMs);
  await exchange.unary(queued);
}

interface Rendered {
  readonly use: TokenUse | null;
  readonly stream: () => StreamParts;
  readonly unary: () => object;
}

function renderer(shop: Shop, exchange: Exchange, route: Route, ask: Ask, choices: Choice[], prompt: Prompt) {
  const dialect = GENERATE[route.endpoint]!;
  const context = {
    id: randomId(shop.rng, ''),
    createdS: Math.floor(Date.now() / 1000),
    ask,
    azure: route.dialect === 'azure',
  };
  return (cachedTokens: number): Rendered => {
    exchange.entry.cachedTokens = cachedTokens;
    const { cacheMinTokens } = shop.options;
    const real = tokenUse({
      ask,
      prompt,
      choices,
      cachedTokens,
      anthropic: marksCache(route),
      cacheMinTokens,
    });
    const full = { ...context, usage: shown(exchange, real) };
    keep(shop, route, ask, {
      response: () => responses.unary(choices, full) as Record<string, unknown>,
      frames: () => framesOf(responses.stream(choices, full)),
    });
    return { use: full.usage, stream: () => dialect.stream(choices, full), unary: () => dialect.unary(choices, full) };
  };
}

function shown(exchange: Exchange, use: TokenUse): TokenUse | null {
  if (exchange.fault('no-usage')) return null;
  const wrong = exchange.fault('wrong-usage');
  return wrong ? inflated(use, numberOf(wrong, 10)) : use;
}

const framesOf = ({ head, pieces, tail }: StreamParts): readonly Frame[] => [...head, ...pieces.flat(), ...tail];

interface Building {
  readonly response: () => Record<string, unknown>;
  readonly frames: () => readonly Frame[];
}

function keep(shop: Shop, route: Route, ask: Ask, build: Building): void {
  if (route.endpoint !== 'responses' || ask.body['store'] === false) return;
  const response = build.response();
  const before = shop.store.get(String(ask.body['previous_response_id']))?.items ?? [];
  const input = responses.inputItems(ask.body['input']);
  const items = [...before, ...input, ...(response['output'] as unknown[])];
  shop.store.put(String(response['id']), { response, items, input, frames: build.frames() });
}

async function whole(
  shop: Shop,
  exchange: Exchange,
  prompt: Prompt,
  total: number,
  render: (cached: number) => Rendered,
): Promise<void> {
  let cached = 0;
  const ran = await runEngine(
    shop,
    exchange,
    prompt,
    total,
    (tokens) => (cached = tokens),
    () => {},
  );
  if (!ran) return;
  const rendered = render(cached);
  if (!(await exchange.unary(rendered.unary()))) return;
  exchange.entry.outputTokensSent = total;
  exchange.entry.usageSent = rendered.use;
}

async function streamed(
  shop: Shop,
  exchange: Exchange,
  prompt: Prompt,
  total: number,
  render: (cached: number) => StreamParts,
): Promise<void> {
  const writer = exchange.writer();
  let parts: StreamParts | null = null;
  const first = (cached: number): void => {
    parts = render(cached);
    exchange.startStream();
    writer.frames(parts.head, 0);
  };
  const token = (index: number): void => writer.frames(parts?.pieces[index] ?? [], 1);
  const ran = await runEngine(shop, exchange, prompt, total, first, token);
  if (ran && parts) writer.frames((parts as StreamParts).tail, 0);
  await writer.end();
}

/** Sends a recorded answer as it is, paced by the engine: an event a token. */
async function replay(shop: Shop, exchange: Exchange, route: Route, ask: Ask, directive: Directive): Promise<void> {
  const recorded = RECORDED.get(route.endpoint)?.[directive.name ?? ''];
  if (!recorded || (ask.stream ? !recorded.events : !recorded.body)) throw noSuchRecording(route, directive);
  const prompt = promptOf(ask, false, shop.options.sizes.blockTokens);
  if (!ask.stream) {
    if (
      await runEngine(
        shop,
        exchange,
        prompt,
        1,
        () => {},
        () => {},
      )
    )
      await exchange.unary(recorded.body!);
    return;
  }
  const frames = recordedFrames(route.endpoint, recorded);
  const parts = { head: [], pieces: frames.map((frame) => [frame]), tail: [] };
  await streamed(shop, exchange, prompt, frames.length, () => parts);
}

function noSuchRecording(route: Route, directive: Directive): LabError {
  const names = Object.keys(RECORDED.get(route.endpoint) ?? ({} as Record<string, Recorded>)).join(', ');
  return new LabError(
    400,
    `no recorded answer '${directive.name}' of this form for ${route.endpoint}; there are: ${names}`,
  );
}

/** Puts a request through the engine. False: the client left before it was done. */
function runEngine(
  shop: Shop,
  exchange: Exchange,
  prompt: Prompt,
  outputTokens: number,
  first: (cachedTokens: number) => void,
  token: (index: number) => void,
): Promise<boolean> {
  const id = `r${exchange.entry.n}`;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const refused = shop.driver.submit(
    { id, promptTokens: prompt.tokens, promptBlocks: prompt.blocks, outputTokens },
    {
      firstToken: (cachedTokens) => (first(cachedTokens), token(0)),
      token,
      finished: () => resolve(true),
    },
  );
  if (refused) throw engineRefusal(exchange, refused, prompt.tokens + outputTokens);
  exchange.response.once('close', () => {
    shop.driver.cancel(id);
    resolve(false);
  });
  return promise;
}

function engineRefusal(exchange: Exchange, reason: string, tokens: number): LabError {
  if (exchange.dialect === 'bedrock')
    return reason === 'too_large'
      ? new LabError(400, 'Input is too long for requested model.', { code: 'ValidationException' })
      : statusError('bedrock', 429);
  if (reason !== 'too_large') {
    const status = exchange.dialect === 'anthropic' ? 529 : 429;
    const type = exchange.dialect === 'anthropic' ? 'overloaded_error' : 'requests';
    return new LabError(status, 'Overloaded', { type, headers: { 'retry-after': '1' } });
  }
  return exchange.dialect === 'anthropic'
    ? new LabError(400, `prompt is too long: ${tokens} tokens > maximum`)
    : new LabError(400, `This model's maximum context length is exceeded: your request needs ${tokens} tokens.`, {
        code: 'context_length_exceeded',
        param: 'messages',
      });
}
