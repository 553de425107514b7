import { iso } from '#kernel/clock.ts';
import { LEAK_FOUND } from '#capabilities/tenants/index.ts';
import type { AuditEntry } from '#ports/state-store.ts';

/** Something that people or the file changed. */
export interface ChangeLine {
  readonly at: string;
  readonly what: string;
  readonly who: string;
  /** So many alike, the newest at `at`. */
  readonly times: number;
}

export interface Reload {
  readonly at: string;
  readonly hash: string;
  /** Paths of the values that it changed. */
  readonly paths: readonly string[];
}

export interface ConfigurationEvidence {
  readonly startedAt: string;
  readonly reloads: readonly Reload[];
  readonly refused: { readonly at: string; readonly why: string } | null;
}

const MOST_PATHS = 3;

/** What changed since a time, newest first; what one person did many times over is one line. */
export function changesOf(
  from: number,
  audit: readonly AuditEntry[],
  configuration: ConfigurationEvidence | null,
): ChangeLine[] {
  // What was found is no change.
  const made = audit.filter(({ at, action }) => at >= from && action !== LEAK_FOUND);
  const lines = [...made.map(ofAudit), ...ofConfiguration(from, configuration)];
  const folded = new Map<string, ChangeLine>();
  for (const line of lines.sort((a, b) => (a.at < b.at ? 1 : -1))) {
    const alike = foldKey(line);
    const first = folded.get(alike);
    folded.set(alike, first ? { ...first, what: first.what, times: first.times + 1 } : line);
  }
  return [...folded.values()];
}

const foldKey = ({ what, who }: ChangeLine): string => `${who}\n${what}`;

function ofConfiguration(from: number, configuration: ConfigurationEvidence | null): ChangeLine[] {
  if (!configuration) return [];
  const { startedAt, reloads, refused } = configuration;
  const line = (at: string, what: string): ChangeLine => ({ at, what, who: 'this node', times: 1 });
  const all = [
    line(startedAt, 'gate started'),
    ...reloads.map(({ at, paths }) => line(at, `configuration reloaded: ${pathsText(paths)}`)),
    ...(refused ? [line(refused.at, 'a changed configuration was refused')] : []),
  ];
  return all.filter(({ at }) => Date.parse(at) >= from);
}

const pathsText = (paths: readonly string[]): string => {
  if (paths.length === 0) return 'no value changed';
  const more = paths.length > MOST_PATHS ? ` and ${paths.length - MOST_PATHS} more` : '';
  return paths.slice(0, MOST_PATHS).join(', ') + more;
};

const ofAudit = (entry: AuditEntry): ChangeLine => ({
  at: iso(entry.at),
  what: `${entry.action} ${subjectOf(entry)}`.trim(),
  who: entry.actor,
  times: 1,
});

/** Names rather than ids where the detail has one; money and spans where they are the point. */
function subjectOf({ action, subject, tenant, detail }: AuditEntry): string {
  const facts = factsOf(detail);
  const of = tenant === null ? '' : ` of ${tenant}`;
  const word = (name: string): string | null => (typeof facts[name] === 'string' ? (facts[name] as string) : null);
  if (action.startsWith('drain.'))
    return `${word('level') ?? ''} ${word('name') ?? subject}${quoted(word('reason'))}`.trim();
  if (action === 'budget.raise') return `${subject}${of} by $${dollars(facts['byUsd'])}${quoted(word('reason'))}`;
  if (action.startsWith('key.')) return `${word('name') ?? subject}${of}`;
  return `${subject}${subject === tenant ? '' : of}`;
}

const quoted = (reason: string | null): string => (reason === null ? '' : ` “${reason}”`);
/** Money stands in the trail in nano-dollars. */
const dollars = (value: unknown): string => (typeof value === 'string' ? String(Number(value) / 1e9) : '?');

function factsOf(detail: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(detail) as Record<string, unknown>;
  } catch {
    // An entry of another version: its subject says enough.
    return {};
  }
}
