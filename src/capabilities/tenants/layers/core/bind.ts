import type { TemplateVariable } from '#ports/layer.ts';
import type { BoundTemplate, OpenVariable } from './effective.ts';
import type { Named } from './merge.ts';
import { MOST_PROMPT_BYTES, parseTemplate, valueFault, type TemplatePart } from './template.ts';

interface Bound {
  readonly bound: BoundTemplate | null;
  /** Why no call can have it. */
  readonly broken: string | null;
}

/**
 * Puts the layers' texts into a template. `inner` begins with the template's own layer: an outer one gives it no text,
 * so that no template can say a name and read what an operator or a plan has set for its own.
 */
export function bindTemplate(layer: Named, inner: readonly Named[]): Bound {
  const { text, variables, place } = layer.settings.template!;
  const parsed = parseTemplate(text);
  if (!parsed.ok) return { bound: null, broken: `The template of ${levelOf(layer.by)} cannot be read.` };
  const values = new Map<string, { readonly text: string; readonly by: string | null }>();
  const open = new Map<string, OpenVariable>();
  const bound = new Map<string, string | null>();
  for (const [name, variable] of Object.entries(variables)) {
    const value = valueOf(name, variable, inner);
    bound.set(name, value?.by ?? null);
    if (variable.from === 'call') open.set(name, { default: value?.text ?? null, maxBytes: variable.maxBytes });
    else if (value !== null) values.set(name, value);
    else return { bound: null, broken: `The template of ${levelOf(layer.by)} lacks a text for \`${name}\`.` };
  }
  if (lengthOf(parsed.value, values) > MOST_PROMPT_BYTES)
    return { bound: null, broken: `The template of ${levelOf(layer.by)} is too long with its texts in place.` };
  return { bound: { by: layer.by, place, parts: filled(parsed.value, values), open, bound }, broken: null };
}

/** Told before it is made: a value may stand in a template ten thousand times. */
const lengthOf = (parts: readonly TemplatePart[], values: ReadonlyMap<string, { readonly text: string }>): number =>
  parts.reduce((sum, part) => sum + ('text' in part ? part.text : (values.get(part.name)?.text ?? '')).length, 0);

/** The level alone: whose layer it is, and what it says, is nobody else's. */
export const levelOf = (by: string): string => `the ${by.split(/[:@]/, 1)[0]} layer`;

/** The innermost text that fits; one that is too long for the variable is as if it were not there. */
function valueOf(
  name: string,
  variable: TemplateVariable,
  inner: readonly Named[],
): { readonly text: string; readonly by: string } | null {
  for (const { by, settings } of inner.toReversed()) {
    const text = Object.hasOwn(settings.values, name) ? settings.values[name] : undefined;
    if (text !== undefined && valueFault(text, variable) === null) return { text, by };
  }
  return variable.default === null ? null : { text: variable.default, by: inner[0]!.by };
}

/** Neighbouring texts as one. */
function filled(
  parts: readonly TemplatePart[],
  values: ReadonlyMap<string, { readonly text: string }>,
): readonly TemplatePart[] {
  const out: TemplatePart[] = [];
  for (const part of parts) {
    const text = 'text' in part ? part.text : values.get(part.name)?.text;
    const last = out.at(-1);
    if (text === undefined) out.push(part);
    else if (last && 'text' in last) out[out.length - 1] = { text: last.text + text };
    else out.push({ text });
  }
  return out;
}

export interface Prompt {
  readonly before: string;
  readonly after: string;
}

/** What goes into a call, or why it cannot. `given` are the caller's own texts, checked. */
export function renderPrompt(
  templates: readonly BoundTemplate[],
  given: ReadonlyMap<string, string>,
): Prompt | { readonly lacks: string } | { readonly tooLong: true } {
  const texts: Record<'before' | 'after', string[]> = { before: [], after: [] };
  let bytes = 0;
  for (const { parts, open, place } of templates) {
    let text = '';
    for (const part of parts) {
      const piece: string | null = 'text' in part ? part.text : (given.get(part.name) ?? open.get(part.name)!.default);
      if (piece === null) return { lacks: (part as { name: string }).name };
      text += piece;
      if (text.length > MOST_PROMPT_BYTES) return { tooLong: true };
    }
    bytes += Buffer.byteLength(text);
    if (bytes > MOST_PROMPT_BYTES) return { tooLong: true };
    texts[place].push(text);
  }
  return { before: texts.before.join('\n\n'), after: texts.after.join('\n\n') };
}
