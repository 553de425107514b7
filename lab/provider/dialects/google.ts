import { createHash } from 'node:crypto';
import type {
  AnswerPart,
  Ask,
  AskTool,
  Choice,
  Frame,
  JsonSchema,
  RenderContext,
  StreamParts,
  TokenUse,
} from '../answer.ts';
import { LabError } from '../errors.ts';
import { partPieces } from '../plan-answer.ts';
import { PromptText } from '../prompt.ts';
import { goneOnWith } from '../continued.ts';
import { type Json, contentText, list, optionalNumber, record, stops, runsOf } from './reading.ts';

/** Model and method of the path. */
export interface Asked {
  readonly model: string;
  readonly stream: boolean;
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The API takes each field in two forms. */
export const field = (body: Json | undefined, name: string): unknown => body?.[name] ?? body?.[snake(name)];

/** What the real API knows; it refuses every other name in these words. */
const KNOWN = [
  ...['model', 'contents', 'systemInstruction', 'tools', 'toolConfig', 'safetySettings', 'generationConfig'],
  ...['cachedContent', 'labels', 'serviceTier', 'store'],
];
const KNOWN_CONFIG = [
  ...['temperature', 'topP', 'topK', 'candidateCount', 'maxOutputTokens', 'stopSequences', 'responseMimeType'],
  ...['responseSchema', 'responseJsonSchema', 'responseModalities', 'presencePenalty', 'frequencyPenalty', 'seed'],
  ...['responseLogprobs', 'logprobs', 'thinkingConfig', 'speechConfig', 'mediaResolution', 'imageConfig'],
];

function checkNames(body: Json, known: readonly string[], at: string): void {
  const all = new Set([...known, ...known.map(snake)]);
  const wrong = Object.keys(body).find((name) => !all.has(name));
  if (wrong === undefined) return;
  const place = at === '' ? '' : ` at '${at}'`;
  throw new LabError(400, `Invalid JSON payload received. Unknown name "${wrong}"${place}: Cannot find field.`);
}

export function readAsk(body: Json, asked: Asked): Ask {
  checkNames(body, KNOWN, '');
  const config = (field(body, 'generationConfig') ?? {}) as Json;
  checkNames(config, KNOWN_CONFIG, 'generation_config');
  const contents = list(body['contents'] ?? [], 'contents').map((one, i) => record(one, `contents[${i}]`));
  if (contents.length === 0) {
    throw new LabError(400, '* GenerateContentRequest.contents: contents is not specified\n');
  }
  checkContents(joined(contents), asked.model.startsWith('signed'));
  const users = contents.filter((content) => content['role'] !== 'model');
  const thinking = (field(config, 'thinkingConfig') ?? {}) as Json;
  return {
    ...asked,
    includeUsage: true,
    maxTokens: optionalNumber({ n: field(config, 'maxOutputTokens') }, 'n'),
    n: optionalNumber({ n: field(config, 'candidateCount') }, 'n') ?? 1,
    stop: stops(field(config, 'stopSequences')),
    lastUserText: contentText(users.findLast((content) => contentText(content['parts']) !== '')?.['parts']),
    lastToolText: toolText(users.at(-1)),
    continues: goneOnWith(contents),
    assistantTurns: joined(contents).filter((content) => content['role'] === 'model').length,
    said: () => runsOf(contents.map(saidBy)),
    tools: readTools(body['tools']),
    toolChoice: readToolChoice((field(body, 'toolConfig') ?? {}) as Json),
    parallelTools: true,
    schema: readSchema(config),
    thinking: field(thinking, 'includeThoughts') === true,
    wantedTokens: null,
    ...promptOf(body, contents),
    markedBytes: null,
    body,
  };
}

function promptOf(body: Json, contents: readonly Json[]): ReturnType<PromptText['result']> {
  const prompt = new PromptText();
  prompt.addAll(body['tools']);
  prompt.addAll(field(body, 'systemInstruction'));
  for (const content of contents) for (const part of partsOf(content)) prompt.add([content['role'], part]);
  return prompt.result();
}

const partsOf = (content: Json | undefined): Json[] =>
  (Array.isArray(content?.['parts']) ? content['parts'] : []) as Json[];

/** Contents of one role in a row are one turn: the SDK keeps each chunk of a stream as a content of its own. */
function joined(contents: readonly Json[]): Json[] {
  const turns: Json[] = [];
  for (const content of contents) {
    const last = turns.at(-1);
    if (last && last['role'] === content['role'])
      turns[turns.length - 1] = { ...last, parts: [...partsOf(last), ...partsOf(content)] };
    else turns.push(content);
  }
  return turns;
}

/** A signature that only this provider's own calls carry. */
export const signatureOf = (text: string): string =>
  Buffer.from(`lab-google:${createHash('sha256').update(text).digest('hex')}`).toString('base64');

/** The word that the real API takes for calls which another model made. */
const FOREIGN = 'skip_thought_signature_validator';

/** `strict`: a model named `signed…` takes its own signatures alone, to show that they have come back. */
function checkContents(contents: readonly Json[], strict: boolean): void {
  for (const [i, content] of contents.entries()) {
    const role = content['role'] ?? 'user';
    if (role !== 'user' && role !== 'model') throw new LabError(400, 'Please use a valid role: user, model.');
    const calls = partsOf(content).filter((part) => field(part, 'functionCall'));
    if (calls.length === 0) continue;
    checkSignature(calls[0]!, i, strict);
    const next = contents[i + 1];
    const results = partsOf(next).filter((part) => field(part, 'functionResponse'));
    if (next && results.length !== calls.length) {
      const message =
        'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.';
      throw new LabError(400, message);
    }
  }
}

/** Models of the third generation refuse a call in the history whose signature they did not make, in these words. */
function checkSignature(part: Json, content: number, strict: boolean): void {
  const call = field(part, 'functionCall') as Json;
  const signature = field(part, 'thoughtSignature');
  if ((signature === FOREIGN && !strict) || signature === signatureOf(String(call['name']))) return;
  const where = `Function call \`default_api:${String(call['name'])}\`, position ${content + 1}.`;
  if (signature === undefined) {
    throw new LabError(400, `Function call is missing a thought_signature in functionCall parts. ${where}`);
  }
  throw new LabError(400, `Thought signature is not valid. ${where}`);
}

function toolText(content: Json | undefined): string {
  const last = partsOf(content).findLast((part) => field(part, 'functionResponse'));
  const response = (field(last, 'functionResponse') as Json | undefined)?.['response'] as Json | undefined;
  const said = response?.['output'] ?? response?.['error'];
  return said === undefined ? (response ? JSON.stringify(response) : '') : String(said);
}

const readTools = (tools: unknown): AskTool[] =>
  (tools === undefined ? [] : list(tools, 'tools'))
    .map((tool, i) => record(tool, `tools[${i}]`))
    .flatMap((tool) => list(field(tool, 'functionDeclarations') ?? [], 'function_declarations') as Json[])
    .map((one) => ({
      name: String(one['name']),
      custom: false,
      schema: (field(one, 'parametersJsonSchema') ?? lowered(one['parameters']) ?? {}) as JsonSchema,
    }));

function readToolChoice(config: Json): Ask['toolChoice'] {
  const calling = (field(config, 'functionCallingConfig') ?? {}) as Json;
  const names = field(calling, 'allowedFunctionNames') as string[] | undefined;
  if (calling['mode'] === 'ANY') return names?.[0] === undefined ? 'required' : { name: names[0] };
  return calling['mode'] === 'NONE' ? 'none' : 'auto';
}

function readSchema(config: Json): JsonSchema | null {
  const schema = field(config, 'responseJsonSchema') ?? lowered(field(config, 'responseSchema'));
  if (schema !== undefined) return schema as JsonSchema;
  return field(config, 'responseMimeType') === 'application/json' ? {} : null;
}

/** Types of Google's own schemas are in capitals. */
function lowered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowered);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [
    name,
    name === 'type' && typeof inner === 'string' ? inner.toLowerCase() : lowered(inner),
  ]);
  return Object.fromEntries(entries);
}

const FINISH = { stop: 'STOP', stop_sequence: 'STOP', length: 'MAX_TOKENS', tool: 'STOP', refusal: 'SAFETY' } as const;

/** Thoughts are counted beside the candidates; a count of zero is left out, as protocol buffers do. */
export function usageOf(use: TokenUse, output: number, reasoning: number): object {
  return {
    promptTokenCount: use.input,
    ...(output > reasoning && { candidatesTokenCount: output - reasoning }),
    totalTokenCount: use.input + output,
    ...(use.cachedRead > 0 && { cachedContentTokenCount: use.cachedRead }),
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: use.input }],
    ...(reasoning > 0 && { thoughtsTokenCount: reasoning }),
  };
}

const chunk = (context: RenderContext, candidates: object[], usage: object | null): object => ({
  candidates,
  ...(usage && { usageMetadata: usage }),
  modelVersion: context.ask.model,
  responseId: context.id,
});

export function unary(choices: readonly Choice[], context: RenderContext): object {
  const candidates = choices.map((choice, index) => ({
    content: { parts: choice.parts.map((part, i) => partOf(part, choice.parts, i)), role: 'model' },
    finishReason: FINISH[choice.stop],
    index,
  }));
  return chunk(
    context,
    candidates,
    context.usage && usageOf(context.usage, context.usage.output, context.usage.reasoning),
  );
}

/** The first call of a turn carries the signature of the thoughts before it. */
function partOf(part: AnswerPart, parts: readonly AnswerPart[], index: number): object {
  if (part.kind === 'thinking') return { text: part.text, thought: true };
  if (part.kind !== 'tool') return { text: part.text };
  const first = parts.findIndex((one) => one.kind === 'tool') === index;
  const call = { functionCall: { name: part.name, args: parsed(part.input), id: part.id } };
  return first ? { ...call, thoughtSignature: signatureOf(part.name) } : call;
}

function parsed(input: string): unknown {
  try {
    return JSON.parse(input);
  } catch {
    return {};
  }
}

/** Google ends its lines with CR LF. */
const frame = (value: object, more: Partial<Frame> = {}): Frame => ({
  event: null,
  data: JSON.stringify(value),
  lineEnd: '\r\n',
  ...more,
});

export function stream(choices: readonly Choice[], context: RenderContext): StreamParts {
  const pieces = choices.flatMap((choice, index) =>
    choice.parts.flatMap((part, i) => piecesOf(context, index, part, partOf(part, choice.parts, i))),
  );
  const { usage } = context;
  const tail = choices.map((choice, index): Frame => {
    const last = index === choices.length - 1;
    const candidate = { content: { parts: [{ text: '' }], role: 'model' }, finishReason: FINISH[choice.stop], index };
    const metadata = usage && last ? usageOf(usage, usage.output, usage.reasoning) : null;
    return frame(chunk(context, [candidate], metadata), last ? { usage, terminal: true } : {});
  });
  return { head: [], pieces, tail };
}

/** Text comes in pieces, each with the count so far; a call comes whole with its last token. */
function piecesOf(context: RenderContext, index: number, part: AnswerPart, whole: object): Frame[][] {
  const pieces = partPieces(part);
  return pieces.map((text, i) => {
    if (part.kind === 'tool' && i < pieces.length - 1) return [];
    const shown = part.kind === 'tool' ? whole : { ...whole, text };
    const usage = context.usage && { promptTokenCount: context.usage.input, totalTokenCount: context.usage.input };
    return [frame(chunk(context, [{ content: { parts: [shown], role: 'model' }, index }], usage))];
  });
}

export const errorFrame = (body: object): Frame => frame(body);

const saidBy = (content: Json) => ({
  by: content['role'] === 'model' ? ('assistant' as const) : ('user' as const),
  text: contentText(content['parts']),
});
