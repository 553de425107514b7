import { join } from 'node:path';
import { HeadgateError } from '#kernel/errors.ts';
import type { StoredExchange } from './exchange.ts';
import { discardRest, piecesOf } from './incoming.ts';
import { MultipartReader, type PartHead } from './multipart-reader.ts';
import { UploadFile } from './upload-file.ts';

/** A form with one file, all of it here. Whoever has it closes the file. */
export interface Upload {
  readonly file: UploadFile;
  readonly filename: string;
  readonly contentType: string;
  /** The form's other fields, in the order in which they came. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** A field of a file's form is a word or a number. */
const FIELD_BYTES = 16 * 1024;

/** Reads an upload to its end, within the limits of size and time. Throws 400, 408, 413 or 415. */
export async function readUpload(exchange: StoredExchange): Promise<Upload> {
  const { request, config } = exchange;
  const { maxBytes, uploadTimeout } = config.file.files;
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new HeadgateError('bad_encoding', { message: 'A file is sent without a content encoding.' });
  if (Number(request.headers['content-length'] ?? 0) > maxBytes + FIELD_BYTES * 8) throw tooLarge(maxBytes);
  const reader = new MultipartReader(request.headers['content-type']);
  const file = await UploadFile.make(join(config.file.dataDir, 'uploads'));
  try {
    const form = new Form(file, maxBytes);
    for await (const chunk of piecesOf(request, uploadTimeout))
      for (const event of reader.push(chunk)) {
        if (event.is === 'head') form.part(event.head);
        else await form.data(event.bytes);
      }
    if (!reader.complete)
      throw new HeadgateError('invalid_request', { field: 'body', message: 'The form ends too early.' });
    return form.whole();
  } catch (error) {
    await file.close();
    if (!request.complete) await discardRest(request);
    throw error;
  }
}

const tooLarge = (maxBytes: number): HeadgateError =>
  new HeadgateError('body_too_large', { message: `The file is larger than ${maxBytes} bytes (\`files.maxBytes\`).` });

class Form {
  readonly #file: UploadFile;
  readonly #maxBytes: number;
  readonly #fields: [string, string][] = [];
  #fileHead: PartHead | null = null;
  #inFile = false;

  constructor(file: UploadFile, maxBytes: number) {
    this.#file = file;
    this.#maxBytes = maxBytes;
  }

  part(head: PartHead): void {
    this.#inFile = head.filename !== null;
    if (!this.#inFile) return void this.#fields.push([head.name, '']);
    if (this.#fileHead || head.name !== 'file')
      throw new HeadgateError('invalid_request', {
        field: head.name.slice(0, 64),
        message: 'The form takes one file, named `file`.',
      });
    this.#fileHead = head;
  }

  async data(bytes: Buffer): Promise<void> {
    if (this.#inFile) {
      if (this.#file.bytes + bytes.length > this.#maxBytes) throw tooLarge(this.#maxBytes);
      return this.#file.append(bytes);
    }
    const field = this.#fields.at(-1)!;
    field[1] += bytes.toString('utf8');
    if (field[1].length > FIELD_BYTES)
      throw new HeadgateError('invalid_request', {
        field: field[0].slice(0, 64),
        message: 'A field of the form is too long.',
      });
  }

  whole(): Upload {
    const head = this.#fileHead;
    if (!head) throw new HeadgateError('invalid_request', { field: 'file', message: '`file` is required.' });
    const twice = this.#fields.find(([name], i) => this.#fields.findIndex(([other]) => other === name) !== i);
    if (twice)
      throw new HeadgateError('duplicate_field', {
        field: twice[0].slice(0, 64),
        message: `The field \`${twice[0].slice(0, 64)}\` appears twice.`,
      });
    const contentType = head.contentType ?? 'application/octet-stream';
    return { file: this.#file, filename: head.filename!, contentType, fields: this.#fields };
  }
}
