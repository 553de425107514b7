import { addUsd, parseUsd, usdDecimal } from '#kernel/money.ts';
import { isObject, type JsonObject } from '#wire/json/read.ts';

/** Does a provider's answer to this tenant's calls say nothing of its cache? Null: of any of them. */
export type HidesCached = (provider: string | null) => boolean;

/** What tells of the ledger's tokens and times: other operations of a tenant's token hold none. */
const TELLS: ReadonlySet<string> = new Set([
  ...['GET /admin/calls', 'GET /admin/calls/:call', 'GET /admin/sessions', 'GET /admin/spend'],
]);

/**
 * The ledger as a tenant's own token shows it: what answers do not say of a cache that tenants share, it does not say
 * either. Cached tokens are counted as any others, with their cost, and of an answer that was held only the time at
 * which it went out is told. Totals of cost stay: they are the bill.
 */
export const asTenantSees = (operation: string, answer: unknown, hides: HidesCached): unknown =>
  TELLS.has(operation) ? seen(answer, hides(null), hides) : answer;

function seen(value: unknown, hidden: boolean, hides: HidesCached): unknown {
  if (Array.isArray(value)) return value.map((one) => seen(one, hidden, hides));
  if (!isObject(value)) return value;
  const provider = value['provider'];
  const own = typeof provider === 'string' ? hides(provider) : hidden;
  const out: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(value)) {
    if (name === 'heldMs') continue;
    const told = own && TOKENS.has(name) ? part && 0 : own && name === 'moveCostUsd' ? null : part;
    out[name] = seen(told, own, hides);
  }
  const timed = isHeld(value) ? { ...out, timing: { ...(out['timing'] as object), ...untold(value) } } : out;
  return own && typeof value['cachedRead'] === 'string' ? inOne(timed) : timed;
}

const TOKENS: ReadonlySet<string> = new Set(['cachedReadTokens', 'cacheWriteTokens', 'cacheWrite1hTokens']);

/** An attempt that was held, or the call of one. */
const isHeld = ({ heldMs, attempts }: JsonObject): boolean =>
  heldMs !== undefined ||
  (Array.isArray(attempts) && attempts.some((one) => isObject(one) && one['heldMs'] !== undefined));

/** Of a call, its tokens' times are those at which they went out; of an attempt, those at which they came. */
const untold = ({ attempts }: JsonObject): object =>
  Array.isArray(attempts)
    ? { headersMs: null }
    : { headersMs: null, firstTokenMs: null, lastTokenMs: null, doneMs: null };

/** Cost by part in decimal dollars, with what was read from a cache and written into it as input. */
function inOne(cost: Record<string, unknown>): object {
  const parts = ['input', 'cachedRead', 'cacheWrite'].map((part) => parseUsd(String(cost[part])) ?? null);
  if (parts.some((part) => part === null)) return cost;
  const [input, read, write] = parts;
  return { ...cost, input: usdDecimal(addUsd(addUsd(input!, read!), write!)), cachedRead: '0', cacheWrite: '0' };
}
