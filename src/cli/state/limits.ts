import { shortId } from '#kernel/ids.ts';
import { connect, type StateView } from '../connect/source.ts';
import type { CliContext } from '../context.ts';
import { CliFailure, EXIT, usageFailure } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { count, dateTime, share, UNKNOWN } from '../format.ts';
import type { Cell } from '../table.ts';
import { change, given, keptText, listed, scopeText, source, SOURCE, word } from './change.ts';

/** How long something holds: one of the two. */
interface UntilFlags {
  readonly until?: (now: number) => string;
  readonly for?: string;
  readonly reason?: string;
}

export interface LimitSetFlags extends CommonFlags, UntilFlags {
  readonly level: 'operator' | 'tenant' | 'team' | 'feature' | 'key' | 'end_user';
  readonly tenant?: string;
  readonly id?: string;
  readonly unit: 'requests' | 'input_tokens' | 'output_tokens' | 'total_tokens' | 'concurrency';
  readonly window?: 'minute' | 'day';
  readonly limit: number;
  readonly contact?: string;
}
export interface LimitListFlags extends CommonFlags {
  readonly tenant?: string;
}
export interface LimitRaiseFlags extends CommonFlags, UntilFlags {
  readonly by: number;
  readonly reason: string;
}

const path = (id: unknown): string => `/limits/${encodeURIComponent(String(id))}`;

/** Creates a limit, or changes the one of the same scope, unit and window; with a time, for that time alone. */
export async function setLimit(this: CliContext, flags: LimitSetFlags): Promise<void> {
  const found = await sameLimit(this, flags);
  if (flags.until !== undefined || flags.for !== undefined) return setForATime(this, flags, found);
  const { level, tenant, id, unit, window, limit, contact } = flags;
  const settings = given({ limit, contact });
  return change(this, flags, {
    ...(found
      ? { method: 'PATCH', path: path(found['id']), body: settings }
      : { method: 'POST', path: '/limits', body: { level, unit, ...given({ tenant, id, window }), ...settings } }),
    done: (set) => `${found ? 'changed' : 'created'} limit ${word(set['id'])}: ${limitText(set)} for ${scopeText(set)}`,
  });
}

function setForATime(context: CliContext, flags: LimitSetFlags, found: StateView | undefined): Promise<void> {
  if (!found)
    throw new CliFailure({
      code: 'not_found',
      message: 'There is no such limit that could be changed for a time.',
      hint: 'set it without --until or --for first; `headgate limits list` shows those that there are',
      exit: EXIT.usage,
    });
  const { reason } = flags;
  if (reason === undefined) throw usageFailure('--reason is missing', 'say why, for the audit: --reason "launch day"');
  return raise(context, { ...flags, reason, by: flags.limit - Number(found['usual']) }, String(found['id']));
}

export function raiseLimit(this: CliContext, flags: LimitRaiseFlags, id: string): Promise<void> {
  if (flags.until === undefined && flags.for === undefined)
    throw usageFailure('--for or --until is missing', 'say how long: --for 1h, or --until 2027-01-31');
  return raise(this, flags, id);
}

function raise(context: CliContext, flags: LimitRaiseFlags, id: string): Promise<void> {
  const { by, reason } = flags;
  const until = flags.until?.(context.now());
  return change(context, flags, {
    ...{ method: 'POST', path: `${path(id)}/raise`, body: { by, reason, ...given({ for: flags.for, until }) } },
    done: (set) => {
      const holds = set['raise'] as { readonly until: string };
      const end = dateTime(Date.parse(holds.until), context.zone);
      return `${by < 0 ? 'lowered' : 'raised'} limit ${word(set['id'])} to ${limitText(set)} until ${end}${keptText(set)}`;
    },
  });
}

export function removeLimit(this: CliContext, flags: CommonFlags, id: string): Promise<void> {
  return change(this, flags, {
    ...{ method: 'DELETE', path: path(id) },
    done: (limit) => `removed limit ${word(limit['id'])}`,
  });
}

async function sameLimit(context: CliContext, flags: LimitSetFlags): Promise<StateView | undefined> {
  const client = await connect(context, flags);
  const { limits } = (await client.ask('GET', '/limits')) as { readonly limits: readonly StateView[] };
  const window = flags.unit === 'concurrency' ? null : (flags.window ?? 'minute');
  return limits.find(({ scope, ...limit }) => {
    const { level, tenant, id } = scope as { level: string; tenant: string | null; id: string | null };
    const sameScope = level === flags.level && tenant === (flags.tenant ?? null) && id === (flags.id ?? null);
    return sameScope && limit['unit'] === flags.unit && limit['window'] === window;
  });
}

export function listLimits(this: CliContext, { tenant, ...flags }: LimitListFlags): Promise<void> {
  const wholeIds = !this.terminal.isTerminal || this.terminal.width >= 150;
  const right = { align: 'right' } as const;
  return listed(this, flags, {
    kind: 'limits',
    filter: given({ tenant }),
    columns: [
      { title: 'limit' },
      { title: 'for', shrinkTo: 12 },
      { title: 'of' },
      { title: 'most', ...right },
      { title: 'used', ...right },
      { title: 'in flight', ...right, leaves: 2 },
      { title: 'full', ...right },
      { title: 'raise', leaves: 1 },
      SOURCE,
    ],
    row: (limit) => [
      wholeIds ? word(limit['id']) : shortId(word(limit['id'])),
      scopeText(limit),
      unitText(limit),
      figure(limit['limit']),
      figure(limit['used']),
      figure(limit['reserved']),
      fullCell(this, limit),
      raiseText(this, limit),
      source(limit),
    ],
    empty: 'No limits: calls are bounded by the providers alone.',
    hint: 'headgate limits set --tenant <id> --unit requests --window minute --limit 600',
  });
}

const figure = (value: unknown): string => (typeof value === 'number' ? count(value) : UNKNOWN);

/** `600 requests a minute`, `8 calls in flight`. */
const limitText = (limit: StateView): string => `${figure(limit['limit'])} ${unitText(limit)}`;

export function unitText(limit: StateView): string {
  if (limit['unit'] === 'concurrency') return 'calls in flight';
  const unit = limit['unit'] === 'total_tokens' ? 'tokens' : word(limit['unit']).replace('_', ' ');
  return `${unit} a ${word(limit['window'])}`;
}

function raiseText(context: CliContext, limit: StateView): string {
  const raised = limit['raise'] as { readonly by: number; readonly until: string } | null;
  if (!raised) return '';
  return `${raised.by > 0 ? '+' : '-'}${count(Math.abs(raised.by))} until ${dateTime(Date.parse(raised.until), context.zone)}`;
}

function fullCell({ terminal: { paint } }: CliContext, limit: StateView): Cell {
  const [most, used, reserved] = [limit['limit'], limit['used'], limit['reserved']];
  if (typeof most !== 'number' || typeof used !== 'number' || typeof reserved !== 'number') return UNKNOWN;
  const full = most > 0 ? (used + reserved) / most : 1;
  return full >= 1 ? { text: share(full), tone: paint.bad } : share(full);
}
