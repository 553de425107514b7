import { inForce } from '#ports/state-store.ts';
import { z } from 'zod';
import { epochMs } from '#kernel/brand.ts';
import { nearest } from '#kernel/did-you-mean.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { route, type AdminRoute } from '#capabilities/tenants/routes.ts';
import { deploymentId } from '#capabilities/failover/index.ts';
import { drainView, type DrainView } from '#capabilities/failover/routes.ts';
import type { Provider } from '#providers/index.ts';
import type { PrefixCacheRule } from '#providers/interpreter.ts';
import type { Gate } from '../gate.ts';
import { reportsHideCached } from '../prefix-cache/shown.ts';
import { limitsOf } from '../provider-limits.ts';
import { healthOf, type ProviderHealth } from './provider-health.ts';
import { testProvider, type ProviderTest } from './test-provider.ts';

export interface ProvidersParts {
  readonly gate: Gate;
  readonly ledger: LedgerStore;
}

/** What the health rests on: enough for a p99, and 40 ms of the store's time. */
const ALL_CALLS = everyTenant('the health of providers, whoever called them');
const SAMPLE = 1_000;
const HOUR_MS = 3_600_000;

const QUIET: ProviderHealth = { attempts: 0, failed: 0, headersMs: null, lastErrors: [], lastOkAt: null };

export interface LastTest extends ProviderTest {
  readonly at: string;
}

export interface ProviderView {
  readonly name: string;
  readonly title: string;
  readonly kind: string;
  readonly address: string;
  /** How far its data file was checked. */
  readonly verified: string;
  /** A key, or a chain that gave a credential. */
  readonly hasCredential: boolean;
  /** Of the platform's own chain; null: a key is all, or none was configured. */
  readonly credential: CredentialView | null;
  readonly deployments: readonly string[];
  /** What keeps tenants apart in its prompt cache, where no deployment or layer says otherwise. */
  readonly promptCache: {
    readonly rule: PrefixCacheRule;
    /** Are cached tokens hidden from callers, by one of its deployments at least? */
    readonly hidesCachedTokens: boolean;
    /** Null: first tokens go out as they come. */
    readonly ttftQuantumMs: number | null;
  };
  readonly health: ProviderHealth;
  /** What its last answer said is left of the account's limits; null: none has since the start or the last reload. */
  readonly limits: { readonly at: string; readonly values: Readonly<Record<string, string>> } | null;
  /** Null: not tested since the start of this gate. */
  readonly lastTest: LastTest | null;
}

export interface CredentialView {
  /** Null: none was asked for yet, or it never ends. */
  readonly expiresAt: string | null;
  readonly refreshedAt: string | null;
  /** What the last refresh ended with, in the platform's words; null: it went well. */
  readonly lastError: string | null;
}

export interface ProvidersView {
  /** Start of what the health rests on. */
  readonly since: string;
  readonly sampledCalls: number;
  readonly providers: readonly ProviderView[];
  /** What is drained now; a model's drain is of no one provider. */
  readonly drains: readonly DrainView[];
}

/** Providers as they are configured, as they did of late, and whether they answer now. */
export function providerRoutes(parts: ProvidersParts): AdminRoute[] {
  const tests = new Map<string, LastTest>();
  return [
    route('GET /admin/providers', {
      tag: 'providers',
      summary: 'Providers with their health in the last hour: attempts, failures, last errors, the last test',
      run: async (): Promise<ProvidersView> => {
        const { gate, ledger } = parts;
        const now = gate.clock.now();
        const from = epochMs(now - HOUR_MS);
        const calls = await ledger.calls({ whose: ALL_CALLS, from, to: epochMs(now + 1), limit: SAMPLE });
        const since = calls.length === SAMPLE ? calls.at(-1)!.at : from;
        return {
          since: new Date(since).toISOString(),
          sampledCalls: calls.length,
          providers: views(parts, healthOf(calls), tests),
          drains: inForce(gate.tenants.directory.drains, now).map(drainView),
        };
      },
    }),
    route('POST /admin/providers/:provider/test', {
      tag: 'providers',
      summary: 'Ask a provider for its list of models: is it reached, does it take the credential; costs no tokens',
      body: z.strictObject({}),
      run: async ({ provider: name }) => {
        const provider = theProvider(parts.gate, name!);
        const result = await testProvider(provider, () => parts.gate.clock.mono());
        const last = { ...result, at: new Date(parts.gate.clock.now()).toISOString() };
        tests.set(provider.name, last);
        return { provider: provider.name, ...last };
      },
    }),
  ];
}

function views(
  { gate }: ProvidersParts,
  health: ReadonlyMap<string, ProviderHealth>,
  tests: ReadonlyMap<string, LastTest>,
): ProviderView[] {
  const hides = reportsHideCached(gate);
  return [...gate.config.providers.values()].map((provider) => ({
    name: provider.name,
    title: provider.data.title,
    kind: provider.data.name,
    address: provider.origin + provider.basePath,
    verified: provider.data.verified,
    hasCredential:
      provider.apiKey !== null || (provider.authorizer !== null && provider.authorizer.state?.refreshedMs !== null),
    credential: credentialView(provider),
    deployments: deploymentsOf(gate, provider),
    promptCache: {
      rule: provider.prefixCache,
      hidesCachedTokens: hides(provider.name),
      ttftQuantumMs: provider.ttftQuantumMs || null,
    },
    health: health.get(provider.name) ?? QUIET,
    limits: limitsView(provider),
    lastTest: tests.get(provider.name) ?? null,
  }));
}

function credentialView({ authorizer }: Provider): CredentialView | null {
  const state = authorizer?.state ?? null;
  const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return (
    state && { expiresAt: time(state.expiresMs), refreshedAt: time(state.refreshedMs), lastError: state.lastError }
  );
}

function limitsView(provider: Provider): ProviderView['limits'] {
  const seen = limitsOf(provider);
  return seen && { at: new Date(seen.at).toISOString(), values: seen.values };
}

const deploymentsOf = ({ config }: Gate, provider: Provider): string[] =>
  config.models.names.flatMap((model) => {
    const own =
      config.models.find(model)?.deployments.filter((deployment) => deployment.provider.name === provider.name) ?? [];
    return own.map((deployment) => deploymentId(deployment, model));
  });

function theProvider({ config }: Gate, name: string): Provider {
  const provider = config.providers.get(name);
  if (provider) return provider;
  const near = nearest(name, new Set(config.providers.keys()));
  const hint = near.length > 0 ? ` Did you mean ${near.map((one) => `\`${one}\``).join(', ')}?` : '';
  throw new HeadgateError('not_found', { message: `There is no provider \`${name.slice(0, 128)}\`.${hint}` });
}
