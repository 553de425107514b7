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
    const grown = Buffer.allocUnsafeSlow(Math.max(need, Math.ceil(this.#bytes.length * 1.5)));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
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
