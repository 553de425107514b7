/** A file that the provider keeps. */
export interface StoredFile {
  readonly id: string;
  readonly bytes: Buffer;
  readonly filename: string;
  readonly mimeType: string;
  readonly purpose: string;
  readonly createdS: number;
}

// A test that uploads more is broken.
const MAX_FILES = 1_000;

/** Files of all callers of one account, as a real account has them. */
export class FileStore {
  readonly #byId = new Map<string, StoredFile>();

  put(file: StoredFile): StoredFile {
    this.#byId.set(file.id, file);
    if (this.#byId.size > MAX_FILES) this.#byId.delete(this.#byId.keys().next().value!);
    return file;
  }
  get(id: string): StoredFile | null {
    return this.#byId.get(id) ?? null;
  }
  all(): readonly StoredFile[] {
    return [...this.#byId.values()];
  }
  delete(id: string): boolean {
    return this.#byId.delete(id);
  }
}
