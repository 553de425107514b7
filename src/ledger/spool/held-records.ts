import { RecordType } from './record.ts';
import type { RecordTypeCode } from './record.ts';

interface HeldCall {
  records: (readonly [RecordTypeCode, string])[];
  chars: number;
}

/**
 * Records that wait in memory while the disk cannot take them, by call and in order. Bounded; a settlement replaces
 * what came before it (it is the whole entry), and a quarter of the room is kept for settlements.
 */
export class HeldRecords {
  readonly #maxChars: number;
  readonly #calls = new Map<string, HeldCall>();
  #chars = 0;

  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  get size(): number {
    return this.#calls.size;
  }
  get chars(): number {
    return this.#chars;
  }
  has(id: string): boolean {
    return this.#calls.has(id);
  }

  /** False: no room, the record is lost. */
  hold(id: string, type: RecordTypeCode, text: string): boolean {
    const settlement = type === RecordType.settlement;
    const before = this.#calls.get(id);
    const freed = settlement && before ? before.chars : 0;
    const room = settlement ? this.#maxChars : this.#maxChars * 0.75;
    if (this.#chars - freed + text.length > room) return false;
    if (settlement || !before) this.#calls.set(id, { records: [[type, text]], chars: text.length });
    else this.#add(before, type, text);
    this.#chars += text.length - freed;
    return true;
  }

  #add(call: HeldCall, type: RecordTypeCode, text: string): void {
    call.records.push([type, text]);
    call.chars += text.length;
  }

  /** Hands out records in order until `write` throws or `until` says stop; what was written is forgotten. */
  drain(write: (type: RecordTypeCode, text: string) => void, until: () => boolean): void {
    for (const [id, call] of this.#calls) {
      while (call.records.length > 0) {
        if (until()) return;
        const [type, text] = call.records[0]!;
        write(type, text);
        call.records.shift();
        call.chars -= text.length;
        this.#chars -= text.length;
      }
      this.#calls.delete(id);
    }
  }
}
