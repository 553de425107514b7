import type { StreamEpoch } from '#ports/stream-log.ts';

/** Whose numbers a stream's events have: one epoch, and a further one for each gate that went on with it. */
export class Epochs {
  #list: readonly StreamEpoch[];

  constructor(list: readonly StreamEpoch[]) {
    this.#list = list;
  }

  get list(): readonly StreamEpoch[] {
    return this.#list;
  }
  set(list: readonly StreamEpoch[]): void {
    this.#list = list;
  }

  /** The epoch of an event. */
  at(seq: number): string {
    const last = this.#list.at(-1)!;
    return last.from <= seq ? last.epoch : this.#list.findLast(({ from }) => from <= seq)!.epoch;
  }

  /** Does an event have this position? A gate that lost its stream may have sent events that nobody has. */
  has({ epoch, seq }: { readonly epoch: string; readonly seq: number }): boolean {
    return this.#list.some((one, i) => {
      const end = this.#list[i + 1]?.from ?? Infinity;
      return one.epoch === epoch && one.from <= seq && seq < end;
    });
  }
}
