import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { epochMs, type TenantId } from '#kernel/brand.ts';
import { seededRng } from '#kernel/rng.ts';
import { memoryLedger } from '#stores/memory/ledger-store.ts';
import { memorySharedState } from '#stores/memory/shared-state.ts';
import { memoryState } from '#stores/memory/state-store.ts';
import { openSpool } from '#ledger/index.ts';
import { ByteEstimator } from '#ledger/prices/index.ts';
import { Affinity } from '#capabilities/failover/index.ts';
import { Captures } from '#capabilities/parity/index.ts';
import { Accounts, keyText, KEY_BYTES, openTenants } from '#capabilities/tenants/index.ts';
import { Telemetry } from '#telemetry/index.ts';
import type { Transport } from '#providers/index.ts';
import { DecodePool } from '#gateway/decode-pool.ts';
import { FeedBoard } from '#gateway/feeds.ts';
import { openLeakWatch } from '#gateway/leaks.ts';
import type { Gate } from '#gateway/gate.ts';
import { openStored } from '#gateway/stored/open-stored.ts';
import { memoryJobs } from '#stores/memory/job-queue.ts';
import { memoryScores } from '#stores/memory/scores.ts';
import { memoryThings } from '#stores/memory/stored-things.ts';
import { Meter } from '#gateway/meter.ts';
import { benchState } from '../gateway/seed.ts';
import { openAlerts } from '../../src/up/alerts.ts';
import { loadConfig } from '../../src/up/config-source.ts';
import { declaredFeatures, declaredLabels } from '../../src/up/declared.ts';
import { openIdempotency } from '../../src/up/idempotency.ts';
import { openPrices } from '../../src/up/prices.ts';
import { openQuality } from '../../src/up/quality.ts';
import { openRecounts } from '../../src/up/recounts.ts';
import { openCache } from '../../src/up/cache.ts';
import { idempotencyOf } from '../../src/up/stream-names.ts';
import { openAnswers, openStreams } from '../../src/up/streams.ts';
import { systemClock } from '../../src/up/system.ts';

const KEYS = 2_000;
/** Features of a file that has caches, and of one that has none. */
export const CACHED = 'search: {}, support: {}, again: { cache: {} }, alone: { cache: { singleFlight: false } }';
export const UNCACHED = 'search: {}, support: {}';

const configOf = (features: string): string => `providers: { up: { kind: lab-chat, baseUrl: "http://127.0.0.1:1/v1" } }
models: { gpt-bench: { deployments: [{ provider: up }] } }
prices: [{ provider: up, model: gpt-bench, perMillion: { input: "2.50", cachedRead: "1.25", output: "10" } }]
features: { ${features} }
`;

export interface World {
  readonly gate: Gate;
  readonly keys: readonly string[];
  close(): Promise<void>;
}

/** The gate as `main.ts` composes it, with state in memory and a spool whose segments nobody ships. */
export async function openWorld(dir: string, transport: Pick<Transport, 'send'>, features = CACHED): Promise<World> {
  const config = loadConfig({ path: null, text: configOf(features) }, {});
  const keys = Array.from({ length: KEYS }, () => keyText(randomBytes(KEY_BYTES)));
  const state = memoryState();
  const at = epochMs(Date.now());
  const audit = { id: 'aud_bench', at, actor: 'bench', action: 'seed', subject: 'bench', detail: '{}' };
  await state.apply(benchState(keys, at), { ...audit, tenant: null as TenantId | null });
  const trouble = (what: unknown): void => console.error(what);
  const shared = memorySharedState();
  const tenants = await openTenants({
    counters: shared.budgets,
    limitCounters: shared.limits,
    state,
    ledger: memoryLedger(),
    dataDir: dir,
    clock: systemClock,
    features: () => declaredFeatures(config),
    labels: () => declaredLabels(config),
    onWarning: trouble,
    onTrouble: trouble,
  });
  const rng = seededRng(7);
  const spool = openSpool({ dir: join(dir, 'spool'), clock: systemClock, rng, onTrouble: trouble });
  const prices = await openPrices(config, tenants);
  const log = { debug: trouble, info: trouble, warn: trouble, error: trouble };
  const ledger = memoryLedger();
  const gate: Gate = {
    config,
    tenants,
    spool,
    prices,
    recounts: openRecounts({ present: { config }, prices, tenants, stores: { ledger: memoryLedger() } }),
    affinity: new Affinity(),
    accounts: new Accounts(systemClock),
    cache: await openCache({ config }, log),
    streams: openStreams({ config }),
    idempotency: idempotencyOf(openIdempotency({ config }, tenants, dir), openAnswers({ config }), null),
    estimator: new ByteEstimator(),
    transport: transport as Transport,
    decodePool: new DecodePool(),
    stored: openStored(
      () => gate,
      { clock: systemClock, rng, log },
      { things: memoryThings(), jobs: memoryJobs(), ledger },
    ),
    meter: new Meter(),
    telemetry: new Telemetry(trouble),
    alerts: openAlerts({ present: { config }, tenants, stores: { ledger: memoryLedger() }, spool, dataDir: dir, log }),
    feeds: new FeedBoard({ use: async () => undefined, status: async () => [] }, trouble),
    captures: new Captures({ entry: new URL('file:///none'), dir, settings: null, onTrouble: trouble }),
    leaks: openLeakWatch(() => gate),
    ...openQuality(() => gate, { scores: memoryScores(), dataDir: dir, onTrouble: trouble, onJournal: trouble }),
    clock: systemClock,
    rng,
    log,
    draining: false,
  };
  const close = async (): Promise<void> => {
    await spool.seal();
    spool.release();
  };
  return { gate, keys, close };
}
