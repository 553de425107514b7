/** A part of an answer as its client gets it: an event, several of a translated one, or the whole in one piece. */
export interface Piece {
  readonly bytes: Buffer;
  /** It is an event that tells of usage, into which a cost may be put. */
  readonly tellsUsage: boolean;
}

/** The pieces of an answer in the making, numbered from 0, and how many of them may be read. What all have read may be let go. */
export class FlightLog {
  #pieces: Piece[] = [];
  /** Number of the first one that is still here. */
  #first = 0;
  #readable = 0;
  #bytes = 0;

  /** Of what is still here. */
  get bytes(): number {
    return this.#bytes;
  }
  get readable(): number {
    return this.#readable;
  }

  /** A failed attempt left nothing that anybody has read. */
  clear(): void {
    this.#pieces = [];
    this.#bytes = 0;
  }

  push(piece: Piece): void {
    this.#pieces.push(piece);
    this.#bytes += piece.bytes.length;
  }

  /** All that has come may be read. */
  open(): void {
    this.#readable = this.#first + this.#pieces.length;
  }

  at(number: number): Piece | undefined {
    return number < this.#readable ? this.#pieces[number - this.#first] : undefined;
  }

  letGoBefore(number: number): void {
    const gone = this.#pieces.splice(0, Math.min(number, this.#readable) - this.#first);
    this.#first += gone.length;
    for (const { bytes } of gone) this.#bytes -= bytes.length;
  }

  /** Number of the oldest piece with which what is here is at most so many bytes. */
  within(bytes: number): number {
    let [left, number] = [this.#bytes, this.#first];
    for (const piece of this.#pieces) {
      if (left <= bytes) break;
      left -= piece.bytes.length;
      number += 1;
    }
    return number;
  }
}
