import type { Ask, Choice, Frame, RenderContext, StreamParts } from '../answer.ts';
import { partPieces } from '../plan-answer.ts';
import { PromptText } from '../prompt.ts';
import { writtenOn } from '../continued.ts';
import { usageOf } from './openai-chat.ts';
import { type Json, optionalNumber, required, stops } from './reading.ts';

// The API's default; a chat answer has none.
const USUAL_MAX_TOKENS = 16;

type Prompt = string | readonly number[];

function promptsOf(prompt: unknown): readonly Prompt[] {
  if (!Array.isArray(prompt)) return [String(prompt)];
  return typeof prompt[0] === 'number' ? [prompt as number[]] : (prompt as Prompt[]);
}

const textOfPrompt = (prompt: Prompt): string => (typeof prompt === 'string' ? prompt : prompt.join(' '));

/** `best_of` answers are made for each prompt, and `n` of them are shown. */
export function readAsk(body: Json): Ask {
  const prompts = promptsOf(required(body, 'prompt'));
  const prompt = new PromptText();
  prompt.addAll(prompts.map((one) => ({ role: 'user', content: textOfPrompt(one) })));
  const { asked, said } = writtenOn(textOfPrompt(prompts.at(-1)!));
  const made = Math.max(optionalNumber(body, 'n') ?? 1, optionalNumber(body, 'best_of') ?? 1);
  return {
    model: String(required(body, 'model')),
    stream: body['stream'] === true,
    includeUsage: (body['stream_options'] as Json | undefined)?.['include_usage'] === true,
    maxTokens: optionalNumber(body, 'max_tokens') ?? USUAL_MAX_TOKENS,
    n: made * prompts.length,
    stop: stops(body['stop']),
    lastUserText: asked,
    lastToolText: '',
    continues: said,
    assistantTurns: 0,
    said: () => [{ by: 'user', text: textOfPrompt(prompts.at(-1)!) }],
    tools: [],
    toolChoice: 'none',
    parallelTools: false,
    schema: null,
    thinking: false,
    wantedTokens: null,
    ...prompt.result(),
    markedBytes: null,
    body,
  };
}

const answerText = (choice: Choice): string =>
  choice.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');

interface Shown {
  readonly index: number;
  readonly choice: Choice;
  /** What `echo` puts before the answer. */
  readonly echo: string;
}

function shownOf(choices: readonly Choice[], { ask }: RenderContext): Shown[] {
  const prompts = promptsOf(ask.body['prompt']);
  const n = optionalNumber(ask.body, 'n') ?? 1;
  const made = choices.length / prompts.length;
  return prompts.flatMap((prompt, p) =>
    choices.slice(p * made, p * made + n).map((choice, i) => ({
      index: p * n + i,
      choice,
      echo: ask.body['echo'] === true ? textOfPrompt(prompt) : '',
    })),
  );
}

const finishOf = ({ stop }: Choice): string => (stop === 'length' ? 'length' : 'stop');

function logprobsOf(context: RenderContext, text: string): object | null {
  if (typeof context.ask.body['logprobs'] !== 'number') return null;
  const tokens = text ? partPieces({ kind: 'text', text }) : [];
  return {
    tokens,
    token_logprobs: tokens.map(() => -0.25),
    top_logprobs: tokens.map((token) => ({ [token]: -0.25 })),
    text_offset: tokens.map((_, i) => tokens.slice(0, i).join('').length),
  };
}

const base = (context: RenderContext): object => ({
  id: `cmpl-${context.id}`,
  object: 'text_completion',
  created: context.createdS,
  model: context.ask.model,
});

export function unary(choices: readonly Choice[], context: RenderContext): object {
  return {
    ...base(context),
    choices: shownOf(choices, context).map(({ index, choice, echo }) => {
      const text = echo + answerText(choice);
      return { index, text, logprobs: logprobsOf(context, text), finish_reason: finishOf(choice) };
    }),
    ...(context.usage && { usage: usageOf(context.usage) }),
  };
}

/** Chunks of text, then the finish reasons, the usage alone where it was asked for, and `[DONE]`. */
export function stream(choices: readonly Choice[], context: RenderContext): StreamParts {
  const chunk = (one: object[], usage?: object): Frame => ({
    event: null,
    data: JSON.stringify({ ...base(context), choices: one, ...(usage && { usage }) }),
  });
  const piece = (index: number, text: string, finish: string | null): Frame =>
    chunk([{ index, text, logprobs: logprobsOf(context, text), finish_reason: finish }]);
  const shown = shownOf(choices, context);
  const usage = context.ask.includeUsage && context.usage;
  return {
    head: shown.flatMap(({ index, echo }) => (echo ? [piece(index, echo, null)] : [])),
    pieces: shown.flatMap(({ index, choice }) =>
      partPieces({ kind: 'text', text: answerText(choice) }).map((text) => [piece(index, text, null)]),
    ),
    tail: [
      ...shown.map(({ index, choice }) => piece(index, '', finishOf(choice))),
      ...(usage ? [{ ...chunk([], usageOf(usage)), usage }] : []),
      { event: null, data: '[DONE]', terminal: true },
    ],
  };
}

export const errorFrame = (body: object): Frame => ({ event: null, data: JSON.stringify(body) });
