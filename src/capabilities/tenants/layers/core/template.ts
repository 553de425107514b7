import { err, ok, type Result } from '#kernel/result.ts';
import type { LayerTemplate, TemplateVariable } from '#ports/layer.ts';

/** A long system prompt has 10 KB; each call sends it, and each version of it is kept. */
export const MOST_TEMPLATE_BYTES = 32 * 1024;
export const MOST_VARIABLES = 16;
export const MOST_VALUE_BYTES = 4 * 1024;
/** All templates of a call together, with their texts in place: a value may stand in many places. */
export const MOST_PROMPT_BYTES = 128 * 1024;
export const VARIABLE_NAME = /^[a-z][a-z0-9_]{0,31}$/;

/** A text as it stands, or the name of a variable. */
export type TemplatePart = { readonly text: string } | { readonly name: string };

const MARK = /\\\{\{|\{\{([^{}]*)\}\}|\{\{/g;

/**
 * A template in parts. It is read once, before any value is known: what a value holds is never read as a part, so that
 * a caller's `{{name}}` stays those eight characters. The error says what is wrong, without the text around it.
 */
export function parseTemplate(text: string): Result<readonly TemplatePart[], string> {
  const parts: TemplatePart[] = [];
  let literal = '';
  let at = 0;
  for (const match of text.matchAll(MARK)) {
    literal += text.slice(at, match.index);
    at = match.index + match[0].length;
    if (match[0].startsWith('\\')) {
      literal += '{{';
      continue;
    }
    const name = match[1]?.trim() ?? '';
    if (!VARIABLE_NAME.test(name)) return err('`{{` begins no name of a variable; write `\\{{` for two braces');
    if (literal !== '') parts.push({ text: literal });
    literal = '';
    parts.push({ name });
  }
  literal += text.slice(at);
  if (literal !== '') parts.push({ text: literal });
  return ok(parts);
}

export interface TemplateFault {
  readonly field: string;
  readonly message: string;
}

/** What is wrong with a template as it was given; null: nothing. */
export function templateFault({ text, variables }: LayerTemplate): TemplateFault | null {
  const bytes = Buffer.byteLength(text);
  if (bytes > MOST_TEMPLATE_BYTES)
    return { field: 'template.text', message: `has ${bytes} bytes; at most ${MOST_TEMPLATE_BYTES}` };
  if (CONTROLS.test(text.replaceAll(/[\n\t\r]/g, '')))
    return { field: 'template.text', message: 'has a control character or a character that cannot be seen' };
  const parts = parseTemplate(text);
  if (!parts.ok) return { field: 'template.text', message: parts.error };
  for (const part of parts.value)
    if ('name' in part && !Object.hasOwn(variables, part.name))
      return { field: 'template.text', message: `names \`${part.name}\`, which \`variables\` does not declare` };
  return variablesFault(variables);
}

function variablesFault(variables: LayerTemplate['variables']): TemplateFault | null {
  for (const [name, { default: text, maxBytes, from }] of Object.entries(variables)) {
    const fault = text === null ? null : valueFault(text, { maxBytes, from });
    if (fault !== null) return { field: `template.variables.${name}.default`, message: fault };
  }
  return null;
}

/** Control characters, private use, half surrogates, marks of writing direction, and tags that no reader sees. */
const CONTROLS =
  /[\p{Cc}\p{Co}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]/u;

/**
 * Why a text may not stand for a variable; null: it may. A caller's text is one line: a line break would let it look
 * like a part of the template.
 */
export function valueFault(
  text: string,
  { maxBytes, from }: Pick<TemplateVariable, 'maxBytes' | 'from'>,
): string | null {
  if (Buffer.byteLength(text) > maxBytes) return `is longer than ${maxBytes} bytes`;
  const read = from === 'call' ? text : text.replaceAll(/[\n\t]/g, '');
  if (/[\u2028\u2029]/.test(read) || CONTROLS.test(read))
    return 'has a line break, a control character or a character that cannot be seen';
  return null;
}
