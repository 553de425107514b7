/** Which models a key may call, from its own list and its team's. Pure. */

/** Words of LiteLLM for "as the team may" and "all". */
const AS_TEAM = 'all-team-models';
const ALL = 'all-proxy-models';
export const NONE = 'no-default-models';

const covers = (pattern: string, name: string): boolean =>
  pattern === name || (pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1)));

/** Names with their access groups opened; null: every model. */
function opened(names: readonly string[], groups: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const wanted = names.filter((name) => name !== AS_TEAM);
  if (wanted.length === 0 || wanted.includes(ALL) || wanted.includes('*')) return null;
  return [...new Set(wanted.flatMap((name) => groups.get(name) ?? [name]))];
}

/** What both lists allow; an empty list allows everything. */
export function allowedModels(
  key: readonly string[],
  team: readonly string[],
  groups: ReadonlyMap<string, readonly string[]>,
): readonly string[] | null {
  const [mine, ours] = [opened(key, groups), opened(team, groups)];
  if (mine === null || ours === null) return mine ?? ours;
  const both = mine.filter((name) => ours.some((pattern) => covers(pattern, name)));
  return [...both, ...ours.filter((name) => !both.includes(name) && mine.some((pattern) => covers(pattern, name)))];
}
