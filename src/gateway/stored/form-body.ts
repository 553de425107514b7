import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Upload } from './read-upload.ts';
import type { UploadFile } from './upload-file.ts';

/** A form on its way to a provider. */
export interface FormBody {
  readonly body: Readable;
  readonly contentType: string;
}

/** The form anew under a boundary of the gate's own, with a file that may be another one than came. */
export function formBody({ filename, contentType, fields }: Upload, file: UploadFile): FormBody {
  const boundary = `headgate-${randomBytes(18).toString('hex')}`;
  async function* pieces(): AsyncGenerator<Buffer> {
    for (const [name, value] of fields)
      yield Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${quoted(name)}"\r\n\r\n${value}\r\n`);
    yield Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${quoted(filename)}"\r\n` +
        `content-type: ${contentType.replace(/[^\x20-\x7e]/g, '')}\r\n\r\n`,
    );
    yield* file.read();
    yield Buffer.from(`\r\n--${boundary}--\r\n`);
  }
  const body = Readable.from(pieces(), { objectMode: false });
  return { body, contentType: `multipart/form-data; boundary=${boundary}` };
}

/** A line break or a quote would begin another header or part. */
const quoted = (text: string): string => text.replace(/["\r\n\0]/g, (char) => encodeURIComponent(char));
