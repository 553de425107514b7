import { err, ok, type Result } from '#kernel/result.ts';
import type { BoundTemplate } from './effective.ts';
import { MOST_VARIABLES, valueFault } from './template.ts';

export const VARIABLES_HEADER = 'x-headgate-variables';

/**
 * A caller's texts: `name=value, name=value`, each value percent-encoded as in a URL. A name that no template opens to
 * the call is refused like one that does not exist.
 */
export function readCallValues(
  header: string,
  templates: readonly Pick<BoundTemplate, 'open'>[],
): Result<ReadonlyMap<string, string>, string> {
  const pairs = header.split(',').map((pair) => pair.trim());
  if (pairs.length > MOST_VARIABLES) return err(`has more than ${MOST_VARIABLES} variables`);
  const given = new Map<string, string>();
  for (const pair of pairs) {
    const cut = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, cut)).trim();
    const value = decoded(pair.slice(cut + 1).trim());
    if (cut < 1 || value === null) return err('is a list of `name=value`, divided by commas, values percent-encoded');
    if (given.has(name)) return err('names a variable twice');
    const fault = faultOf(name, value, templates);
    if (fault !== null) return err(fault);
    given.set(name, value);
  }
  return ok(given);
}

function faultOf(name: string, value: string, templates: readonly Pick<BoundTemplate, 'open'>[]): string | null {
  const variables = templates.flatMap(({ open }) => open.get(name) ?? []);
  if (variables.length === 0) return 'names a variable that no caller may set here';
  for (const { maxBytes } of variables) {
    const fault = valueFault(value, { maxBytes, from: 'call' });
    // The name is one that a template declares: it may be said.
    if (fault !== null) return `gives \`${name}\` a text that ${fault}`;
  }
  return null;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
