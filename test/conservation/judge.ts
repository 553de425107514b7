/**
 * Judges a run from outside: by the provider's own log and the clients' own logs against the entries of the ledger.
 * Nothing here asks the gate what it thinks it did.
 */
import type { TokenUse } from '#lab/provider/answer.ts';
import type { LogEntry } from '#lab/provider/journal.ts';
import type { Attempt, LedgerEntry } from '#ports/entry.ts';
import { billOf } from './spend.ts';
import { billedNanoUsd } from './world.ts';

/** What a client noted of one call. */
export interface ClientSaw {
  readonly callId: string | null;
  readonly status: number | null;
  /** The answer ended as its protocol says. */
  readonly complete: boolean;
  readonly error: string | null;
  readonly usage: { readonly inputTokens: number | null; readonly outputTokens: number | null } | null;
}

export interface Evidence {
  readonly provider: readonly LogEntry[];
  readonly clients: readonly ClientSaw[];
  readonly entries: readonly LedgerEntry[];
}

/** Each broken law with its first cases, and what was counted on the way. */
export interface Verdict {
  readonly broken: ReadonlyMap<string, readonly string[]>;
  readonly counts: Readonly<Record<string, number>>;
}

const CASES_SHOWN = 5;

class Findings implements Verdict {
  readonly broken = new Map<string, string[]>();
  readonly counts: Record<string, number> = {};

  count(name: string, by = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + by;
  }
  check(holds: boolean, law: string, what: () => string): void {
    if (holds) return;
    const cases = this.broken.get(law) ?? [];
    this.broken.set(law, cases);
    if (cases.length < CASES_SHOWN) cases.push(what());
    this.count(`broken: ${law}`);
  }
}

export function judge({ provider, clients, entries }: Evidence): Verdict {
  const findings = new Findings();
  const byId = new Map<string, LedgerEntry>(entries.map((entry) => [entry.id, entry]));
  findings.check(byId.size === entries.length, 'an id has one entry', () => `${entries.length - byId.size} too many`);
  const seen = linesById(provider, findings);
  for (const [id, line] of seen) judgeLine(findings, id, line, byId);
  for (const entry of entries) judgeEntry(findings, entry, seen);
  for (const client of clients) judgeClient(findings, client, byId);
  findings.count('calls sent', clients.length);
  findings.count('entries', entries.length);
  findings.count('provider requests', provider.length);
  return findings;
}

/** The provider's log by the id that the gate sent along: `<call id>-<attempt>`. */
function linesById(provider: readonly LogEntry[], findings: Findings): Map<string, LogEntry> {
  const lines = new Map<string, LogEntry>();
  for (const line of provider) {
    const id = line.headers['x-client-request-id'] ?? '';
    findings.check(id !== '' && !lines.has(id), 'a request is one attempt', () => `request ${line.n}: id '${id}'`);
    lines.set(id, line);
  }
  return lines;
}

function judgeLine(findings: Findings, id: string, line: LogEntry, byId: Map<string, LedgerEntry>): void {
  const at = id.lastIndexOf('-');
  const entry = byId.get(id.slice(0, at));
  findings.check(entry !== undefined, 'a request that the provider saw is in an entry', () => `${id} ${show(line)}`);
  if (!entry) return;
  const attempts = entry.attempts.filter(({ n }) => n === Number(id.slice(at + 1)));
  findings.check(attempts.length === 1, 'a request is exactly one attempt', () => `${id}: ${attempts.length}`);
  if (attempts[0]) judgeAttempt(findings, { entry, attempt: attempts[0], line });
}

interface Joined {
  readonly entry: LedgerEntry;
  readonly attempt: Attempt;
  readonly line: LogEntry;
}

function judgeAttempt(findings: Findings, joined: Joined): void {
  const { entry, attempt, line } = joined;
  const tell = (): string => `${entry.id} ${entry.status}, attempt ${JSON.stringify(brief(attempt))}, ${show(line)}`;
  findings.count(`attempt ${attempt.status}, usage ${attempt.usageSource}`);
  const kind = attempt.status === 'interrupted' ? 'interrupted' : attempt.usageSource;
  findings.count(`nano-dollars, ${kind}: in the ledger`, Number(attempt.cost?.total ?? 0n));
  findings.count(`nano-dollars, ${kind}: billed by the provider`, Number(billOf(line)));
  if (attempt.upstreamRequestId !== null) {
    const own = `req_lab${String(line.n).padStart(8, '0')}`;
    findings.check(attempt.upstreamRequestId === own, "the provider's own id is the attempt's", tell);
  }
  if (attempt.usageSource === 'provider')
    return findings.check(sameTokens(line.usageSent, attempt), 'usage is what the provider sent', tell);
  if (attempt.usageSource === 'estimated') {
    const reached = attempt.status === 'ok' && line.usageSent !== null;
    return findings.check(!reached, 'usage that reached the gate is not estimated', tell);
  }
  // Nothing billed: only an answer of error may say so.
  const refused = attempt.httpStatus !== null && attempt.httpStatus >= 300;
  findings.check(refused && attempt.httpStatus === line.status, 'only an error status bills nothing', tell);
}

function sameTokens(sent: TokenUse | null, { usage, cost }: Attempt): boolean {
  if (!sent || !usage) return false;
  const money = cost === null || cost.total === billedNanoUsd(sent);
  const cached = (usage.cachedReadTokens ?? 0) === sent.cachedRead;
  return money && cached && usage.inputTokens === sent.input && usage.outputTokens === sent.output;
}

function judgeEntry(findings: Findings, entry: LedgerEntry, seen: ReadonlyMap<string, LogEntry>): void {
  findings.count(`entry ${entry.status}`);
  judgeMoney(findings, entry);
  for (const attempt of entry.attempts) {
    if (seen.has(`${entry.id}-${attempt.n}`)) continue;
    // Refused connections never reach the provider; of a process that died nobody knows.
    findings.count(`attempt ${attempt.status}, usage ${attempt.usageSource}, that the provider never saw`);
    const explained =
      attempt.status === 'interrupted' || (attempt.usageSource === 'none' && attempt.httpStatus === null);
    const unseen = explained || entry.status === 'interrupted' || isLost(attempt);
    findings.check(
      unseen,
      'an answered attempt was seen by the provider',
      () => `${entry.id} ${JSON.stringify(brief(attempt))}`,
    );
  }
}

/** Written to a socket that the provider had closed: it may or may not have been read, so it is estimated. */
const isLost = (attempt: Attempt): boolean => attempt.usageSource === 'estimated' && attempt.httpStatus === null;

function judgeMoney(findings: Findings, entry: LedgerEntry): void {
  const tell = (): string => `${entry.id} ${entry.status}`;
  const { cost } = entry;
  findings.check(cost !== null, 'each call has a known cost', tell);
  if (!cost) return;
  const parts = cost.input + cost.cachedRead + cost.cacheWrite + cost.output + cost.other;
  findings.check(parts === cost.total, 'parts sum to the whole', tell);
  const attempts = entry.attempts.reduce((sum, attempt) => sum + (attempt.cost?.total ?? 0n), 0n);
  findings.check(attempts === cost.total, 'attempts sum to the call', tell);
  const tokens = entry.attempts.reduce((sum, { usage }) => sum + (usage?.outputTokens ?? 0), 0);
  findings.check(tokens === (entry.usage.outputTokens ?? 0), 'tokens of attempts sum to the call', tell);
}

function judgeClient(findings: Findings, client: ClientSaw, byId: ReadonlyMap<string, LedgerEntry>): void {
  const tell = (): string => JSON.stringify(client);
  findings.count(client.complete ? 'calls complete' : `calls failed: ${client.error}`);
  if (client.callId === null) return findings.check(!client.complete, 'an answer names its call', tell);
  const entry = byId.get(client.callId);
  findings.check(entry !== undefined, 'an admitted call has an entry', tell);
  if (!entry || !client.complete) return;
  findings.check(entry.status === 'ok', 'a complete answer has a settled entry', () => `${entry.status} ${tell()}`);
  if (client.usage === null || entry.usageSource !== 'provider' || entry.attempts.length > 1) return;
  const { inputTokens, outputTokens } = client.usage;
  const same = inputTokens === entry.usage.inputTokens && outputTokens === entry.usage.outputTokens;
  findings.check(same, 'client and ledger saw the same tokens', tell);
}

const brief = ({ n, provider, status, httpStatus, errorCode, usage, usageSource }: Attempt): object => ({
  ...{ n, provider, status, httpStatus, errorCode, usageSource },
  tokens: usage && [usage.inputTokens, usage.outputTokens],
});

const show = ({ n, endpoint, faults, status, complete, aborted, usageSent, eventsSent }: LogEntry): string =>
  `provider ${JSON.stringify({ n, endpoint, faults, status, complete, aborted, usageSent, eventsSent })}`;

/** The verdict as lines for a person. */
export function verdictText({ broken, counts }: Verdict): string {
  const lines = Object.entries(counts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `  ${name}: ${count}`);
  for (const [law, cases] of broken) lines.push(`BROKEN ${law}`, ...cases.map((text) => `    ${text}`));
  return lines.join('\n');
}
