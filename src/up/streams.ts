import { setTimeout as sleep } from 'node:timers/promises';
import { Streams } from '#capabilities/streams/index.ts';
import type { StreamLog } from '#ports/stream-log.ts';
import { DIALECTS } from '#gateway/dialects.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import type { Log } from '#gateway/gate.ts';
import type { ValkeyNames } from '#stores/valkey/names.ts';
import { Answers } from '#gateway/idempotency/answers.ts';
import { refuseWrongKind } from './one-or-cluster.ts';
import { startSecret } from './start-secret.ts';
import { systemClock, systemRng } from './system.ts';

interface Present {
  readonly config: GateConfig;
}

/**
 * Bounds are those of the configuration of the moment. `log`: where else they are kept; null: nowhere. `names`: what
 * gates share beside; null: nothing.
 */
export const openStreams = (
  present: Present,
  log: StreamLog | null = null,
  names: Pick<ValkeyNames, 'streams'> | null = null,
): Streams =>
  new Streams({
    names: names && names.streams,
    clock: systemClock,
    rng: systemRng,
    bounds: () => {
      const { keep, grace, streamBytes, tenantBytes, totalBytes, orphansPerKey } = present.config.file.stream.resume;
      return { keepMs: keep, graceMs: grace, streamBytes, tenantBytes, totalBytes, orphansOfKey: orphansPerKey };
    },
    shared: log && {
      ...{ log, leaseMs: leaseOf(present.config) },
      heartbeatMs: () => present.config.file.stream.heartbeat,
      graceMs: () => present.config.file.stream.resume.grace,
      dialectOf: (name) => DIALECTS[name],
    },
  });

/** A start waits so long for the log of streams, and goes on without it. */
const FIRST_WAIT_MS = 1_000;
const LOOK_MS = 10;

const leaseOf = ({ file }: GateConfig): number => (file.stream.logs.kind === 'valkey' ? file.stream.logs.lease : 0);

/** Null: logs are in this process alone. The client of Valkey is loaded by whoever wants it. */
export async function openStreamLog(present: Present, log: Log): Promise<StreamLog | null> {
  const { logs } = present.config.file.stream;
  if (logs.kind === 'memory') return null;
  await refuseWrongKind('stream.logs', logs, 'say `cluster: true`');
  const { valkeyStreamLog } = await import('#stores/valkey/stream-log.ts');
  const { url, username, password, lease, cluster, nodes } = logs;
  const shared = valkeyStreamLog({
    ...{ url, username, cluster, nodes },
    password: password && startSecret(password, 'stream.logs.password'),
    bounds: () => {
      const { keep, streamBytes } = present.config.file.stream.resume;
      return { leaseMs: lease, keepMs: keep, maxBytes: streamBytes };
    },
    onChange: (up, why) => {
      if (up) log.info({}, 'the log of streams answers');
      else log.warn({ why }, 'the log of streams is away: until it is back, streams die with this process');
    },
  });
  for (let waited = 0; !shared.up && waited < FIRST_WAIT_MS; waited += LOOK_MS) await sleep(LOOK_MS);
  return shared;
}

/** Whole answers are kept as long as logs of streams are. */
export const openAnswers = (present: Present): Answers =>
  new Answers(() => {
    const { keep, totalBytes } = present.config.file.stream.resume;
    return { keepMs: keep, totalBytes };
  }, systemClock);
