import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryAnswerCache } from '#stores/memory/answer-cache.ts';
import { Flights } from '#gateway/cache/flight/flights.ts';
import { CacheMeter } from '#gateway/cache/meter.ts';
import type { CacheParts } from '#gateway/cache/parts.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import type { Log } from '#gateway/gate.ts';
import { refuseWrongKind } from './one-or-cluster.ts';
import { StartError } from './start-error.ts';
import { startSecret } from './start-secret.ts';
import { systemClock } from './system.ts';

interface Present {
  readonly config: GateConfig;
}

/** A start waits so long for the store, and goes on without it. */
const FIRST_WAIT_MS = 1_000;
const LOOK_MS = 10;
/** Of the secret: as much as a key has that is derived from it. */
const LEAST_SECRET = 32;

/** Answers in this process, or in Valkey for all gates on it. The bounds are those of the configuration of the moment. */
export async function openCache(present: Present, log: Log): Promise<CacheParts> {
  const { store } = present.config.file.cache;
  const rest = { flights: new Flights(() => present.config.file.cache), meter: new CacheMeter() };
  if (store.kind === 'memory')
    return {
      answers: new MemoryAnswerCache(
        () => present.config.file.cache,
        () => systemClock.now(),
      ),
      ...{ store: 'memory', secretOf: ({ secret }) => secret, ...rest },
    };
  const secret = startSecret(store.secret, 'cache.store.secret');
  if (secret.length < LEAST_SECRET)
    throw new StartError(`cache.store.secret: it has ${secret.length} characters; at least ${LEAST_SECRET} are needed`);
  await refuseWrongKind('cache.store', store, 'say `cluster: true`');
  // The client of Valkey is loaded by whoever wants it.
  const { ValkeyAnswerCache } = await import('#stores/valkey/answer-cache.ts');
  const { tenantKey } = await import('#stores/valkey/sealed-answers.ts');
  const { url, username, password, cluster, nodes, wait: waitMs } = store;
  const answers = new ValkeyAnswerCache({
    ...{ url, username, cluster, nodes, secret, waitMs },
    password: password && startSecret(password, 'cache.store.password'),
    bounds: () => present.config.file.cache,
    onChange: (up, why) => {
      if (up) log.info({}, 'the store of answers answers');
      else log.warn({ why }, 'the store of answers is away: until it is back, calls are misses');
    },
  });
  for (let waited = 0; !answers.up && waited < FIRST_WAIT_MS; waited += LOOK_MS) await sleep(LOOK_MS);
  const names = new WeakMap<object, string>();
  const secretOf: CacheParts['secretOf'] = (tenant) => {
    let name = names.get(tenant);
    if (name === undefined) names.set(tenant, (name = tenantKey(secret, tenant.id, 'name').toString('hex')));
    return name;
  };
  return { answers, store: 'valkey', secretOf, ...rest };
}
