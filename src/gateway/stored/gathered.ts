import type { UploadFile } from './upload-file.ts';

const WRITE_BYTES = 256 * 1024;
const LINE_BREAK = Buffer.from('\n');

/** Lines on their way to a file, many in one write. */
export class Gathered {
  readonly #file: UploadFile;
  #waiting: Buffer[] = [];
  #bytes = 0;

  constructor(file: UploadFile) {
    this.#file = file;
  }

  async add(line: Buffer, end = LINE_BREAK): Promise<void> {
    this.#waiting.push(line, end);
    this.#bytes += line.length + end.length;
    if (this.#bytes >= WRITE_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting);
    [this.#waiting, this.#bytes] = [[], 0];
    await this.#file.append(bytes);
  }
}
