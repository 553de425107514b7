import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LimitCounters, LimitLine } from '#ports/shared-state.ts';
import { LIMITS_NEED_ONE_SERVER } from '#gateway/config/schema.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import type { Log } from '#gateway/gate.ts';
import { memorySharedState } from '#stores/memory/shared-state.ts';
import { refuseWrongKind } from './one-or-cluster.ts';
import { startSecret } from './start-secret.ts';

export interface OpenLimitCounters {
  readonly counters: LimitCounters;
  close(): Promise<void>;
}

/** A start waits so long for the counters, and goes on without them. */
const FIRST_WAIT_MS = 1_000;
const LOOK_MS = 10;

/**
 * A line by what it counts: gates that declare the same limits have made them under ids of their own. Of one scope there
 * is one limit of a unit and window.
 */
export const nameOf = ({ measure, window }: LimitLine): string => `${measure} ${window?.spanMs ?? 0}`;

/** In this process, or in Valkey for all gates on it. The client of Valkey is loaded by whoever wants it. */
export async function openLimitCounters({ file }: GateConfig, log: Log): Promise<OpenLimitCounters> {
  const local = memorySharedState().limits;
  const asked = file.limitCounters;
  if (asked.kind === 'memory') return { counters: local, close: () => Promise.resolve() };
  await refuseWrongKind('limitCounters', asked, LIMITS_NEED_ONE_SERVER);
  const { valkeyLimitCounters } = await import('#stores/valkey/limit-counters.ts');
  const { url, username, password, whenAway, gates } = asked;
  const counters = valkeyLimitCounters({
    ...{ url, username, nameOf, time: 'server' },
    password: password && startSecret(password, 'limitCounters.password'),
    gate: randomBytes(8).toString('hex'),
    local: whenAway === 'share' ? local : null,
    leastGates: gates,
    onChange: (up, why) => {
      if (up) log.info({}, 'the counters of limits answer');
      else log.warn({ why, whenAway }, 'the counters of limits are away');
    },
  });
  for (let waited = 0; !counters.up && waited < FIRST_WAIT_MS; waited += LOOK_MS) await sleep(LOOK_MS);
  return { counters, close: () => counters.close() };
}
