import { randomBytes } from 'node:crypto';
import { mkdir, open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes that are read at once on the way to a provider. */
const READ_BYTES = 256 * 1024;

/**
 * An upload while it is looked at: a file without a name, so that nothing of it is left when the process ends, however
 * that ends. What an upload is for may stand behind its bytes, and a batch's lines are checked before any is sent
 * (decision 0023): so it is whole before it goes on, and memory holds pieces alone.
 */
export class UploadFile {
  readonly #handle: FileHandle;
  readonly #path: string | null;
  bytes = 0;

  private constructor(handle: FileHandle, path: string | null) {
    this.#handle = handle;
    this.#path = path;
  }

  /** `folder` is made where it is missing; its files are readable by this user alone. */
  static async make(folder: string): Promise<UploadFile> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `upload-${randomBytes(12).toString('hex')}`);
    const handle = await open(path, 'wx+', 0o600);
    // Windows keeps the name of an open file: there it goes with `close`.
    const gone = await unlink(path).then(
      () => true,
      () => false,
    );
    return new UploadFile(handle, gone ? null : path);
  }

  async append(bytes: Uint8Array): Promise<void> {
    let from = 0;
    while (from < bytes.length) {
      const { bytesWritten } = await this.#handle.write(bytes, from, bytes.length - from, this.bytes);
      from += bytesWritten;
      this.bytes += bytesWritten;
    }
  }

  /** All bytes from the start; each piece is the reader's own. */
  async *read(): AsyncGenerator<Buffer> {
    for (let at = 0; at < this.bytes;) {
      const piece = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, this.bytes - at));
      const { bytesRead } = await this.#handle.read(piece, 0, piece.length, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    if (this.#path !== null) await unlink(this.#path).catch(() => undefined);
  }
}
