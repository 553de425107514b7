import { LabError } from './errors.ts';

export interface Part {
  readonly name: string;
  readonly filename: string | null;
  readonly type: string | null;
  readonly bytes: Buffer;
}

/** The parts of a whole multipart body (RFC 7578). */
export function partsOf(body: Buffer, contentType: string): readonly Part[] {
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (!boundary) throw new LabError(400, 'Could not parse multipart form');
  const mark = Buffer.from(`--${boundary}`);
  const parts: Part[] = [];
  let at = body.indexOf(mark);
  while (at >= 0 && body[at + mark.length] !== 0x2d) {
    const head = at + mark.length + 2;
    const content = body.indexOf('\r\n\r\n', head) + 4;
    const next = body.indexOf(mark, content);
    if (content < 4 || next < 0) throw new LabError(400, 'Could not parse multipart form');
    parts.push(partOf(body.toString('utf8', head, content), body.subarray(content, next - 2)));
    at = next;
  }
  return parts;
}

const partOf = (head: string, bytes: Buffer): Part => ({
  name: /;\s*name="([^"]*)"/i.exec(head)?.[1] ?? '',
  filename: /;\s*filename="([^"]*)"/i.exec(head)?.[1] ?? null,
  type: /content-type:\s*(\S+)/i.exec(head)?.[1] ?? null,
  bytes,
});
