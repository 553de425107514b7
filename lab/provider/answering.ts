import type { Rng } from '#kernel/rng.ts';
import type { Ask, Choice, RenderContext, StreamParts, TokenUse } from './answer.ts';
import * as anthropic from './dialects/anthropic.ts';
import { embeddings, readEmbedAsk } from './dialects/embeddings.ts';
import * as chat from './dialects/openai-chat.ts';
import * as responses from './dialects/openai-responses.ts';
import type { Json } from './dialects/reading.ts';
import { type Directive, readDirective } from './directive.ts';
import type { EngineDriver } from './engine-driver.ts';
import { LabError } from './errors.ts';
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
import type { Journal } from './journal.ts';
import type { ResolvedOptions } from './options.ts';
import { choiceTokens, planAnswer, randomId } from './plan-answer.ts';
import { type Recorded, recordedFrames } from './recorded.ts';
import { RECORDED } from './recorded/index.ts';
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
  readonly rng: Rng;
  /** Turns of scripts whose `faultOnce` has happened. */
  readonly failedOnce: Set<string>;
  schedule: readonly ScheduledFault[];
  refuse(ms: number): void;
}

interface GenerateDialect {
  readonly unary: (choices: readonly Choice[], context: RenderContext) => object;
  readonly stream: (choices: readonly Choice[], context: RenderContext) => StreamParts;
}

const GENERATE: Readonly<Record<string, GenerateDialect>> = { chat, responses, messages: anthropic };

/** Answers one decoded request. Throws {@link LabError} for what the API refuses. */
export async function answer(shop: Shop, exchange: Exchange, route: Route, body: Json): Promise<void> {
  if (route.endpoint === 'embeddings') return embed(shop, exchange, withDeployment(body, route));
  const ask = readAskOf(shop, route, withDeployment(body, route));
  const directive = directiveOf(exchange, ask);
  describe(exchange, ask.model, ask.stream, directive.mode);
  if (route.endpoint === 'count_tokens') {
    if (!(await failing(shop, exchange, directive.faults)))
      exchange.json(200, { input_tokens: Math.max(1, countTokens(ask.prompt)) });
    return;
  }
  if (await failing(shop, exchange, [...directive.faults, ...scriptFaults(shop, exchange, ask, directive)])) return;
  if (directive.mode === 'recorded') return replay(shop, exchange, route, ask, directive);
  await generate(shop, exchange, route, ask, directive);
}

const withDeployment = (body: Json, route: Route): Json =>
  route.deployment === null ? body : { model: route.deployment, ...body };

function readAskOf(shop: Shop, route: Route, body: Json): Ask {
  if (route.endpoint === 'chat') return chat.readAsk(body);
  if (route.endpoint !== 'responses') return anthropic.readAsk(body, route.endpoint === 'count_tokens');
  return responses.readAsk(body, itemsBefore(shop, body['previous_response_id']));
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

function describe(exchange: Exchange, model: string, stream: boolean, mode: string): void {
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
async function failing(shop: Shop, exchange: Exchange, asked: readonly Fault[]): Promise<boolean> {
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

async function embed(shop: Shop, exchange: Exchange, body: Json): Promise<void> {
  const ask = readEmbedAsk(body);
  const text = typeof ask.inputs[0] === 'string' ? ask.inputs[0] : '';
  const directive = readDirective({
    model: ask.model,
    header: (name) => exchange.request.headers[name]?.toString(),
    lastUserText: text,
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
  const complete = await exchange.unary(embeddings(ask, exchange.fault('no-usage') === null));
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

async function generate(shop: Shop, exchange: Exchange, route: Route, ask: Ask, directive: Directive): Promise<void> {
  const choices = planAnswer({
    ask,
    directive,
    rng: shop.rng,
    lengths: shop.options.lengths,
    scripts: shop.options.scripts,
  });
  const prompt = promptOf(ask, route.dialect === 'anthropic', shop.options.sizes.blockTokens);
  const render = renderer(shop, exchange, route, ask, choices, prompt);
  const total = choices.reduce((sum, choice) => sum + choiceTokens(choice), 0);
  exchange.entry.inputTokens = prompt.tokens;
  exchange.entry.outputTokensPlanned = total;
  if (ask.stream) await streamed(shop, exchange, prompt, total, (cached) => render(cached).stream());
  else await whole(shop, exchange, prompt, total, render);
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
      anthropic: route.dialect === 'anthropic',
      cacheMinTokens,
    });
    const full = { ...context, usage: shown(exchange, real) };
    keep(shop, route, ask, () => responses.unary(choices, full) as Record<string, unknown>);
    return { use: full.usage, stream: () => dialect.stream(choices, full), unary: () => dialect.unary(choices, full) };
  };
}

function shown(exchange: Exchange, use: TokenUse): TokenUse | null {
  if (exchange.fault('no-usage')) return null;
  const wrong = exchange.fault('wrong-usage');
  return wrong ? inflated(use, numberOf(wrong, 10)) : use;
}

function keep(shop: Shop, route: Route, ask: Ask, build: () => Record<string, unknown>): void {
  if (route.endpoint !== 'responses' || ask.body['store'] === false) return;
  const response = build();
  const before = shop.store.get(String(ask.body['previous_response_id']))?.items ?? [];
  const items = [...before, ...responses.inputItems(ask.body['input']), ...(response['output'] as unknown[])];
  shop.store.put(String(response['id']), { response, items });
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
