/** Reading single fields of LiteLLM's rows, and what is listed of every row. Pure. */
import type { Findings } from '../plan.ts';
import type { Row } from './tables.ts';

export const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value : null;
export const listOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

/** People know a key by its alias; the masked text ends in four characters of the key itself. */
export const nameOfKey = (row: Row): string =>
  textOf(row['key_alias']) ?? `litellm ${String(row['token']).slice(0, 8)}`;
export const placeOfKey = (row: Row): string => `LiteLLM_VerificationToken “${nameOfKey(row)}”`;

/** Limits beside money. */
export function listLimits(row: Row, place: string, findings: Findings): void {
  for (const name of ['max_parallel_requests', 'tpm_limit', 'rpm_limit'])
    if (row[name] !== null && row[name] !== undefined)
      findings.add('left', place, `${name}: ${String(row[name])}`, ['Headgate limits money, not requests']);
  for (const name of ['model_max_budget', 'budget_limits'])
    if (isSet(row[name])) findings.add('left', place, name, ['a budget by model is not served']);
  if (isSet(row['router_settings']))
    findings.add('left', place, 'router_settings', ['routing is the same for all callers']);
}

export const isSet = (value: unknown): boolean =>
  value !== null &&
  value !== undefined &&
  value !== '' &&
  value !== '{}' &&
  (typeof value !== 'object' || Object.keys(value).length > 0);
