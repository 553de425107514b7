/** Up to here a loop is faster than a call out of JavaScript. */
const SHORT = 24;

/** Bytes that grow at their end. Numbers are unsigned LEB128. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = 512) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
  }
  get length(): number {
    return this.#length;
  }
  /** What it holds in memory, with the room that is not used yet. */
  get capacity(): number {
    return this.#bytes.length;
  }

  number(value: number): void {
    this.#room(10);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }
  /** Length and bytes of a Latin-1 text. */
  text(text: string): void {
    this.number(text.length);
    this.#room(text.length);
    if (text.length <= SHORT) {
      for (let i = 0; i < text.length; i++) this.#bytes[this.#length++] = text.charCodeAt(i);
      return;
    }
    this.#length += this.#bytes.write(text, this.#length, 'latin1');
  }
  /** The bytes so far; valid until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
  /** Lets go of room that no byte will need. */
  trim(): void {
    if (this.#bytes.length > this.#length) this.#bytes = Buffer.from(this.view());
  }

  #room(more: number): void {
    const need = this.#length + more;
    if (need <= this.#bytes.length) return;
    // What it had is given back at once: left to the collector, the old bytes of a thousand logs are more than the new.
    const { buffer } = this.#bytes as Buffer<ArrayBuffer>;
    this.#bytes = Buffer.from(buffer.transfer(Math.max(need, Math.ceil(this.#bytes.length * 1.5))));
  }
}

export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }
  /** Where it stands. */
  get at(): number {
    return this.#at;
  }
  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }
  number(): number {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }
  text(): string {
    const length = this.number();
    this.#at += length;
    return this.#bytes.toString('latin1', this.#at - length, this.#at);
  }
}
