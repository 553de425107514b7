import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GateConfig } from '#gateway/config/resolve.ts';
import type { IdempotencyParts, Log } from '#gateway/gate.ts';
import { KeysOverGates, type OwnKeys } from '#gateway/idempotency/keys-over-gates.ts';
import type { Answers } from '#gateway/idempotency/answers.ts';
import type { ValkeyNames } from '#stores/valkey/names.ts';
import { startSecret } from './start-secret.ts';
import { systemClock } from './system.ts';

interface Present {
  readonly config: GateConfig;
}

/** A start waits so long for what gates share, and goes on without it. */
const FIRST_WAIT_MS = 1_000;
const LOOK_MS = 10;

/** What gates share about streams beside their logs, where those are; null: nothing. */
export async function openStreamNames(present: Present, log: Log): Promise<ValkeyNames | null> {
  const { logs } = present.config.file.stream;
  if (logs.kind === 'memory') return null;
  const { valkeyNames } = await import('#stores/valkey/names.ts');
  const { url, username, password, cluster, nodes, lease: leaseMs } = logs;
  const names = valkeyNames({
    ...{ url, username, cluster, nodes, leaseMs },
    password: password && startSecret(password, 'stream.logs.password'),
    gate: randomBytes(8).toString('hex'),
    now: () => systemClock.now(),
    bounds: () => {
      const { stream, idempotency } = present.config.file;
      return { rememberMs: idempotency.remember, ofOwner: idempotency.keysPerApiKey, keepMs: stream.resume.keep };
    },
    onChange: (up, why) => {
      if (up) log.info({}, 'what gates share about streams answers');
      else
        log.warn(
          { why },
          'what gates share about streams is away: until it is back, idempotency keys, tickets and names of chats are of this gate alone',
        );
    },
  });
  for (let waited = 0; !names.up && waited < FIRST_WAIT_MS; waited += LOOK_MS) await sleep(LOOK_MS);
  return names;
}

/** Keys of this gate, or of all gates that share them. */
export function idempotencyOf(own: OwnKeys, answers: Answers, names: ValkeyNames | null): IdempotencyParts {
  if (names === null) return { keys: own, answers, shared: null, alone: () => 0, close: () => Promise.resolve() };
  const { keys: shared } = names;
  const keys = new KeysOverGates({ own, shared, answers });
  shared.serve((call) => answers.wanted(call));
  return { keys, answers, shared, alone: () => keys.alone, close: () => names.close() };
}
