import { type Rng, intBetween } from '#kernel/rng.ts';
import type { AnswerPart, Ask, AskTool, Choice, StopCause } from './answer.ts';
import { outputText } from './answer.ts';
import type { Directive } from './directive.ts';
import { instanceOf } from './json-instance.ts';
import { type Script, scriptTurn } from './scripts.ts';
import { behind } from './continued.ts';
import { BYTES_PER_TOKEN, countTokens, cutTokens } from './tokens.ts';

// Three letters and a space: exactly one token each.
const WORDS = 'the and for are but not you all can had her was one our out day get has him his how man new now old see'
  .split(' ')
  .map((word) => `${word} `);

/** Output lengths where nobody asks for one: short, so that tests are quick. */
export interface LengthRange {
  readonly minTokens: number;
  readonly maxTokens: number;
}

const THINKING_TEXT = 'Weigh the request, recall what matters, then answer. ';
const DEFAULT_THINKING_TOKENS = 12;

export interface PlanInput {
  readonly ask: Ask;
  readonly directive: Directive;
  readonly rng: Rng;
  readonly lengths: LengthRange;
  readonly scripts: ReadonlyMap<string, Script>;
}

/** Decides the whole answer, by mode. Deterministic for a seed. */
export function planAnswer(input: PlanInput): Choice[] {
  const { n, stop, maxTokens, continues } = input.ask;
  return Array.from({ length: n }, () => limit(stopAt(behind(draft(input), continues), stop), maxTokens));
}

function draft(input: PlanInput): Choice {
  const { ask, directive } = input;
  const thinking = thinkingPart(ask, directive);
  if (directive.mode === 'script') return scripted(input, thinking);
  if (directive.mode === 'refusal')
    return done([...thinking, { kind: 'refusal', text: "I'm sorry, I can't help with that." }], 'refusal');
  const tools = wantedTools(ask, directive);
  if (tools.length > 0) return done([...thinking, ...tools.map((tool) => callOf(tool, input.rng))], 'tool');
  return done([...thinking, { kind: 'text', text: plainText(input) }], 'stop');
}

const done = (parts: AnswerPart[], stop: StopCause): Choice => ({ parts, stop, stopSequence: null });

function plainText({ ask, directive, rng, lengths }: PlanInput): string {
  if (directive.mode === 'echo') return directive.text;
  if (ask.schema) return JSON.stringify(instanceOf(ask.schema));
  const wanted = directive.outputTokens ?? ask.wantedTokens ?? intBetween(rng, lengths.minTokens, lengths.maxTokens);
  return Array.from({ length: Math.max(1, wanted) }, () => WORDS[intBetween(rng, 0, WORDS.length - 1)]!).join('');
}

function thinkingPart(ask: Ask, directive: Directive): AnswerPart[] {
  const tokens = directive.thinkingTokens ?? (ask.thinking ? DEFAULT_THINKING_TOKENS : 0);
  if (tokens === 0) return [];
  const bytes = tokens * BYTES_PER_TOKEN;
  return [{ kind: 'thinking', text: THINKING_TEXT.repeat(Math.ceil(bytes / THINKING_TEXT.length)).slice(0, bytes) }];
}

/** Tools that this answer calls: those that the choice forces, or as many as the directive says. */
function wantedTools(ask: Ask, directive: Directive): AskTool[] {
  const { toolChoice } = ask;
  if (typeof toolChoice === 'object') return ask.tools.filter((tool) => tool.name === toolChoice.name);
  if (directive.toolName) return ask.tools.filter((tool) => tool.name === directive.toolName);
  if (directive.toolCalls)
    return Array.from({ length: directive.toolCalls }, (_, i) => ask.tools[i % ask.tools.length]!).filter(Boolean);
  return toolChoice === 'required' ? ask.tools.slice(0, 1) : [];
}

const ID_LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789';

export const randomId = (rng: Rng, prefix: string): string =>
  prefix + Array.from({ length: 24 }, () => ID_LETTERS[intBetween(rng, 0, ID_LETTERS.length - 1)]).join('');

const callOf = (tool: AskTool, rng: Rng): AnswerPart => ({
  kind: 'tool',
  id: randomId(rng, ''),
  name: tool.name,
  input: tool.custom ? 'print("lab")' : JSON.stringify(instanceOf(tool.schema)),
  custom: tool.custom,
});

function scripted({ ask, directive, rng, scripts }: PlanInput, thinking: AnswerPart[]): Choice {
  const script = scripts.get(directive.name ?? '');
  const turn = script ? scriptTurn(script, ask) : { text: `no script named ${directive.name}` };
  const parts: AnswerPart[] = [...thinking];
  if (turn.text !== undefined) parts.push({ kind: 'text', text: turn.text });
  for (const call of turn.tools ?? []) {
    const custom = ask.tools.find((tool) => tool.name === call.name)?.custom ?? false;
    const text = typeof call.input === 'string' ? call.input : JSON.stringify(call.input);
    parts.push({ kind: 'tool', id: randomId(rng, ''), name: call.name, input: text, custom });
  }
  return done(parts, turn.tools?.length ? 'tool' : 'stop');
}

/** Ends the text before the first stop sequence that it contains. */
function stopAt(choice: Choice, stops: readonly string[]): Choice {
  for (const [i, part] of choice.parts.entries()) {
    if (part.kind !== 'text') continue;
    const hit = firstOf(part.text, stops);
    if (!hit) continue;
    const text = part.text.slice(0, hit.at);
    return {
      parts: [...choice.parts.slice(0, i), { kind: 'text', text }],
      stop: 'stop_sequence',
      stopSequence: hit.stop,
    };
  }
  return choice;
}

function firstOf(text: string, stops: readonly string[]): { at: number; stop: string } | null {
  const hits = stops.map((stop) => ({ stop, at: stop ? text.indexOf(stop) : -1 })).filter(({ at }) => at >= 0);
  return hits.sort((a, b) => a.at - b.at)[0] ?? null;
}

/** Cuts the answer off at the caller's limit, as a model is: in the middle of whatever it was saying. */
function limit(choice: Choice, maxTokens: number | null): Choice {
  if (maxTokens === null || choiceTokens(choice) <= maxTokens) return choice;
  const parts: AnswerPart[] = [];
  let left = maxTokens;
  for (const part of choice.parts) {
    if (left <= 0) break;
    const pieces = cutTokens(outputText(part)).slice(0, left);
    left -= Math.max(1, pieces.length);
    parts.push(part.kind === 'tool' ? { ...part, input: pieces.join('') } : { ...part, text: pieces.join('') });
  }
  return { parts, stop: 'length', stopSequence: null };
}

/** A part without text still costs one token: the model had to say that it ends. */
export const partTokens = (part: AnswerPart): number => Math.max(1, countTokens(outputText(part)));
export const partPieces = (part: AnswerPart): string[] => {
  const pieces = cutTokens(outputText(part));
  return pieces.length > 0 ? pieces : [''];
};
export const choiceTokens = (choice: Choice): number => choice.parts.reduce((sum, part) => sum + partTokens(part), 0);
export const reasoningTokens = (choice: Choice): number =>
  choice.parts.reduce((sum, part) => sum + (part.kind === 'thinking' ? partTokens(part) : 0), 0);
