import { afterWritten } from '../../after-written.ts';
import { CUT_SHORT } from './flight.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { freeOfCost, headOf, whole } from '../hit.ts';
import { Following } from './following.ts';

/** Waits for an answer in one piece. */
export class WholeFollowing extends Following {
  protected read(): void {
    const { gate, call, flight } = this;
    const { end } = flight;
    if (end === null) return;
    if (end.kind === 'failed') return this.share(end.failure);
    if (end.kind === 'broken') return this.lost();
    const body = freeOfCost(call, flight.piece(0)!.bytes);
    call.bytesOut = body.length;
    this.settleWhole(end.facts);
    afterWritten(gate, call, () => whole(call, headOf(gate, call, 'collapsed'), body));
    this.done({ delivered: true });
  }

  lost(): void {
    this.refuseWith('provider_error', new HeadgateError('provider_error', { message: CUT_SHORT.fault!.message }));
  }
}
