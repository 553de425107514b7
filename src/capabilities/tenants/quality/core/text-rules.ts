/** Scores that the text of an answer gives. Pure, in bounded work. */
import { linearRegex } from '#math/regex/linear-regex.ts';
import type { GenerateCall, OutputFormat, ToolDefinition } from '#wire/canonical.ts';
import type { SaidCall, SaidChoice } from './answer-reading.ts';
import { readSchema } from './json-schema.ts';

/** What an answer has to be. `request`: what the call itself asks for. */
export type FormatRule =
  | { readonly kind: 'request' | 'json' }
  | { readonly kind: 'schema'; readonly schema: unknown }
  | { readonly kind: 'regex'; readonly regex: string };

/**
 * Why an answer has no score by a rule. `too_long`: text beyond the bound. `unread`: answer or request could not be read.
 * `schema`: a schema says what is not checked here. `too_complex`: it would take too much work. `hidden`: its provider
 * keeps tools that nobody here can read. `dropped`: too much waited.
 */
export const NOT_SCORED = ['too_long', 'unread', 'schema', 'too_complex', 'hidden', 'dropped'] as const;
export type NotScored = (typeof NOT_SCORED)[number];

/** 1 good, 0 bad, null: the answer says nothing of it; else why nobody can say. */
export type Finding = 0 | 1 | null | NotScored;

/** Of all choices that have text: one that does not fit is bad. */
export function formatFinding(rule: FormatRule, asked: OutputFormat | null, choices: readonly SaidChoice[]): Finding {
  const fits = fitterOf(rule, asked);
  if (typeof fits !== 'function') return fits;
  const texts = choices.map(({ text }) => text).filter((text) => text !== '');
  if (texts.length === 0) return null;
  const found = texts.map(fits);
  if (found.includes(null)) return 'too_complex';
  return found.includes(false) ? 0 : 1;
}

type Fitter = (text: string) => boolean | null;

function fitterOf(rule: FormatRule, asked: OutputFormat | null): Fitter | Finding {
  if (rule.kind === 'regex') {
    const regex = linearRegex(rule.regex);
    return regex.ok ? (text) => regex.value.test(text) : 'schema';
  }
  if (rule.kind === 'schema') return ofSchema(rule.schema);
  if (rule.kind === 'json' || asked?.type === 'json') return (text) => jsonOf(text) !== undefined;
  return asked?.type === 'json_schema' ? ofSchema(asked.schema) : null;
}

function ofSchema(schema: unknown): Fitter | Finding {
  const check = readSchema(schema);
  if (!check.ok) return 'schema';
  return (text) => {
    const value = jsonOf(text);
    return value !== undefined && check.value.fits(value);
  };
}

/** Undefined: it is no JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Of all tools that were called: one that cannot be run as it was called is bad. */
export function callsFinding(tools: readonly ToolDefinition[], choices: readonly SaidChoice[]): Finding {
  const calls = choices.flatMap((choice) => choice.calls);
  if (calls.length === 0) return null;
  const found = calls.map((call) => callFinding(tools, call));
  return found.includes(0) ? 0 : (found.find((one) => one !== 1) ?? 1);
}

function callFinding(tools: readonly ToolDefinition[], { name, args, custom }: SaidCall): Finding {
  const tool = tools.find((one) => one.name === name);
  if (tool === undefined) return 0;
  if (custom || tool.type !== 'function') return 1;
  // Some write nothing where a tool takes nothing.
  const value = args.trim() === '' ? {} : jsonOf(args);
  if (value === undefined) return 0;
  const check = readSchema(tool.schema ?? true);
  if (!check.ok) return 'schema';
  const fits = check.value.fits(value);
  return fits === null ? 'too_complex' : fits ? 1 : 0;
}

/** What became of a tool that an earlier answer called. */
export interface ToolOutcome {
  readonly id: string;
  /** Null: nobody says. */
  readonly name: string | null;
  readonly failed: boolean;
}

/** Results that a call brings for the answer before it: those behind the last turn of the model. */
export function toolOutcomes({ turns }: GenerateCall): readonly ToolOutcome[] {
  const names = new Map<string, string>();
  for (const { parts } of turns) for (const part of parts) if (part.type === 'tool_call') names.set(part.id, part.name);
  const last = turns.findLastIndex(({ role }) => role === 'assistant');
  return turns.slice(last + 1).flatMap(({ parts }) =>
    parts.flatMap((part) => {
      if (part.type !== 'tool_result') return [];
      const failed = part.isError || part.content.some((one) => one.type === 'text' && saysError(one.text));
      return [{ id: part.id, name: names.get(part.id) ?? null, failed }];
    }),
  );
}

/** The form of MCP's results, which clients of APIs without a mark of their own send on as text. */
function saysError(text: string): boolean {
  if (!/"(?:isError|is_error)"/.test(text)) return false;
  const value = jsonOf(text) as { readonly isError?: unknown; readonly is_error?: unknown } | null | undefined;
  return value?.isError === true || value?.is_error === true;
}
