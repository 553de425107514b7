import type { DialectName } from '#wire/canonical.ts';
import { hideCached, hideCachedInEvent, withoutCached } from '#wire/hide-cached.ts';
import type { SseEvent } from '#wire/sse/splitter.ts';
import type { Usage } from '#wire/usage.ts';
import type { Provider } from '#providers/index.ts';
import type { Deployment } from '#capabilities/failover/index.ts';
import { withoutPreamble, type Effective, type HidesCached } from '#capabilities/tenants/index.ts';
import type { AttemptRecord, Call } from '../call.ts';
import type { GateConfig } from '../config/resolve.ts';
import type { Gate } from '../gate.ts';
import type { StoredExchange } from '../stored/exchange.ts';
import { effectiveOf, prefixCacheOf } from './rules.ts';

/** What an answer does not show of the prompt cache that it met. */
export interface Mask {
  /** Counts of what came of a cache. */
  readonly hidesCached: boolean;
  /** The tenant's own line, where an answer repeats its instructions. */
  readonly hidesPreamble: boolean;
}

/** Null: the answer is shown as it came. */
export function maskOf(gate: Gate, call: Call, { deployment, preambleBytes, dialect }: AttemptRecord): Mask | null {
  const hidesCached = callHidesCached(gate, call, deployment);
  const hidesPreamble = preambleBytes > 0 && REPEATS.has(dialect.name);
  return hidesCached || hidesPreamble ? { hidesCached, hidesPreamble } : null;
}
/** Their answers hold the request's instructions. */
const REPEATS: ReadonlySet<DialectName> = new Set(['openai-responses', 'openai-compact']);

/** Would cached tokens of this answer tell its tenant what others have sent? A caller's own login has its own cache. */
export const callHidesCached = (gate: Gate, { facts }: Call, deployment: Deployment): boolean =>
  facts.login === null && facts.dialect.kind === 'generate' && hidesCached(gate, deployment, effectiveOf(facts));

/** Of what a provider keeps: as its strictest deployment has it, since an answer that is kept does not name its own. */
export function storedMaskOf(gate: Gate, { config, caller }: Kept, provider: Provider): Mask | null {
  const effective = gate.tenants.layersOf(caller, null);
  const deployments = deploymentsAt(config, provider);
  const hides = deployments.some((deployment) => hidesCached(gate, deployment, effective));
  const hidesPreamble = deployments.some((deployment) => prefixCacheOf(deployment, effective) === 'preamble');
  return hides || hidesPreamble ? { hidesCached: hides, hidesPreamble } : null;
}
type Kept = Pick<StoredExchange, 'config' | 'caller'>;

/** Does a tenant's token show cached tokens of its calls to a provider, and of all of its calls? */
export function reportsHideCached(gate: Gate): HidesCached {
  return (name) => {
    const { config } = gate;
    const named = name === null ? [...config.accounts.values()] : [config.accounts.get(name) ?? null];
    // A provider that is no longer in the file may have shared its cache.
    return named.some(
      (provider) =>
        provider === null || deploymentsAt(config, provider).some((deployment) => hidesCached(gate, deployment, null)),
    );
  };
}

/** The deployments of an account, or one without settings of its own. */
function deploymentsAt({ models }: GateConfig, provider: Provider): readonly Deployment[] {
  const its = models.names
    .flatMap((name) => models.find(name)?.deployments ?? [])
    .filter((deployment) => deployment.provider.name === provider.of)
    .map((deployment) => ({ ...deployment, provider }));
  return its.length > 0 ? its : [{ provider, model: null, weight: 1, order: 0 }];
}

/** By what its deployment says, else by whether its cache is shared by tenants of which there are several. */
function hidesCached(gate: Gate, deployment: Deployment, effective: Effective | null): boolean {
  if (effective?.isolation?.hideCachedTokens) return true;
  const rule = deployment.cachedTokens ?? deployment.provider.cachedTokens;
  if (rule !== null) return rule === 'hide';
  if (prefixCacheOf(deployment, effective) !== 'shared' || !gate.tenants.directory.hasSeveralTenants) return false;
  const { name, of } = deployment.provider;
  return name === of || !isTenants(effective?.ownKeys.get(of)?.by);
}

/** Is the key at the provider one that a single tenant has? */
const isTenants = (by: string | undefined): boolean => /^(tenant|team|key)[:@]/.test(by ?? '');

/** Usage of the last attempt as the caller sees it; null: nothing is known of it yet. */
export function shownUsage(gate: Gate, call: Call): Usage | null {
  const last = call.attempts.at(-1);
  if (!last?.usage) return null;
  return callHidesCached(gate, call, last.deployment) ? withoutCached(last.usage) : last.usage;
}

/**
 * A whole answer of the provider as its caller sees it; the very same buffer where nothing of it is hidden. `value`:
 * what the body says, where it is read already.
 */
export function shownBody(mask: Mask, body: Buffer, dialect: DialectName, value?: unknown): Buffer {
  const shown = mask.hidesCached ? hideCached(body, dialect, value) : body;
  return mask.hidesPreamble ? withoutRepeated(shown) : shown;
}

/** The same of one event. */
export function shownEvent(mask: Mask, event: SseEvent, dialect: DialectName): Buffer {
  const shown = mask.hidesCached ? hideCachedInEvent(event, dialect) : event.raw;
  return mask.hidesPreamble ? withoutRepeated(shown) : shown;
}

function withoutRepeated(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  const without = withoutPreamble(text);
  return without === text ? bytes : Buffer.from(without, 'latin1');
}
