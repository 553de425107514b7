import type { AuditEntry } from '#ports/state-store.ts';
import { LEAK_FOUND } from '#capabilities/tenants/index.ts';
import type { NowFinding } from '../report.ts';

/** Answers of the window that held a text of another tenant, by whose text it was and who was answered. */
export interface LeakLine {
  readonly owner: string;
  readonly reader: string;
  readonly incidents: number;
  /** Of them ended before the text was out. */
  readonly stopped: number;
  readonly newestCall: string;
}

/** Reads them from the audit, which is newest first; the most first. */
export function leaksOf(from: number, audit: readonly AuditEntry[]): LeakLine[] {
  const found = audit.filter(({ action, at, tenant }) => action === LEAK_FOUND && at >= from && tenant !== null);
  const pairs = Map.groupBy(found, ({ tenant, detail }) => JSON.stringify([tenant, factsIn(detail).tenant]));
  const lines = [...pairs].map(([pair, entries]): LeakLine => {
    const [owner, reader] = JSON.parse(pair) as [string, string];
    const stopped = entries.filter(({ detail }) => factsIn(detail).action === 'stop').length;
    return { owner, reader, incidents: entries.length, stopped, newestCall: entries[0]!.subject };
  });
  return lines.sort((a, b) => b.incidents - a.incidents);
}

const factsIn = (detail: string): { tenant?: string; action?: string } => JSON.parse(detail) as object;

/** Bad where a text went out; a warning where each was ended before. */
export function ofLeaks({ owner, reader, incidents, stopped, newestCall }: LeakLine): NowFinding {
  const one = incidents === 1;
  const out = incidents - stopped;
  return {
    grade: out > 0 ? 'bad' : 'warn',
    about: 'leak',
    text: `${incidents} ${one ? 'answer' : 'answers'} to ${reader} held a text of ${owner}.`,
    evidence: [
      out === 0
        ? `${one ? 'it was' : 'each was'} ended before the text was out`
        : `${out === incidents ? '' : `${out} of them `}went out; leakWatch.action: stop would end such an answer`,
      'which layer and which run of it stands in the audit as leak.found',
    ],
    next: [`headgate calls show ${newestCall}`, 'headgate tenants audit-cache --help'],
  };
}
