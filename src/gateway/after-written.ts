import type { Call } from './call.ts';
import type { Gate } from './gate.ts';

/**
 * Sends the rest of an answer once its settlement is in the spool. One that the disk does not take waits in memory,
 * and the answer goes out all the same: its tokens are paid. Nothing is sent where the client has gone, unless
 * it may come back.
 */
export function afterWritten(gate: Gate, { exchange: { response }, stream }: Call, send: () => void): void {
  const go = (): void => {
    if (stream !== null || !response.destroyed) send();
  };
  void gate.spool
    .written()
    .then(go, go)
    .catch((thrown: unknown) => {
      gate.log.error({ err: thrown }, 'an answer could not be sent');
      response.destroy();
    });
}
