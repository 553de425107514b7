/** What the admin API says of limits and their use, and the words for it. */
import { count, tokens } from '#kernel/format.ts';
import { read } from '../../session/client.ts';
import { scopeText } from '../budgets/words.ts';

export interface LimitUse {
  readonly id: string;
  readonly scope: { readonly level: string; readonly tenant: string | null; readonly id: string | null };
  /** The fullest of a limit for each of many; null: the limit names its scope. */
  readonly subject: string | null;
  /** Of the key that it is about. */
  readonly keyName: string | null;
  readonly unit: 'requests' | 'input_tokens' | 'output_tokens' | 'total_tokens' | 'concurrency';
  readonly window: 'minute' | 'day' | null;
  readonly limit: number;
  readonly used: number;
  readonly reserved: number;
  /** Used and reserved of the limit. */
  readonly share: number;
  /** In the last hour. */
  readonly refused: number;
  readonly contact: string | null;
  readonly raise: { readonly by: number; readonly until: string; readonly reason: string } | null;
}

export interface LimitUses {
  readonly at: string;
  readonly limits: number;
  readonly near: number;
  readonly full: number;
  readonly refused: number;
  /** Limits for each end user: of them nobody knows the fullest. */
  readonly eachEndUser: number;
  readonly leftOut: number;
  readonly total: number;
  readonly rows: readonly LimitUse[];
}

interface Question {
  readonly tenant?: string | undefined;
  readonly level?: string | undefined;
  readonly least?: string | undefined;
  readonly limit: number;
  readonly offset?: number;
}

export const limitUses = async (question: Question): Promise<LimitUses> =>
  (await read('/limit-use', { ...question })) as LimitUses;

/** `requests a minute`, `tokens a day`, `calls in flight`. */
export function unitText({ unit, window }: Pick<LimitUse, 'unit' | 'window'>): string {
  if (unit === 'concurrency') return 'calls in flight';
  const what = unit === 'total_tokens' ? 'tokens' : unit.replace('_', ' ');
  return `${what} a ${window}`;
}

/** `each key of acme: web-prod`, `key web-prod`. */
export function whoseLimit({ scope, subject, keyName }: Pick<LimitUse, 'scope' | 'subject' | 'keyName'>): string {
  if (subject === null) return scopeText(keyName === null ? scope : { ...scope, id: keyName });
  return `${scopeText(scope)}: ${keyName ?? subject}`;
}

export const amount = (value: number, { unit }: Pick<LimitUse, 'unit'>): string =>
  unit.endsWith('tokens') ? tokens(value) : count(value);

export const LEVELS = ['operator', 'tenant', 'team', 'feature', 'key', 'end_user'] as const;
