/** What the head of a part says, or what is wrong with it. */
export type PartHead = { readonly name: string; readonly isFile: boolean } | { readonly wrong: string };

const PARAMETER = /;[ \t]*([A-Za-z*]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))[ \t]*/y;
const NAME = /^[A-Za-z0-9_.[\]-]{1,128}$/;
/** Some servers take a part of another type for a file, whatever its name, and some decode by its charset. */
const TEXT_TYPE =
  /^(text\/[a-z0-9.+-]+|application\/json)[ \t]*(;[ \t]*charset[ \t]*=[ \t]*"?(utf-?8|us-ascii)"?[ \t]*)?$/i;
const PLAIN_CODING = /^(binary|8bit|7bit)$/i;

/**
 * Reads a part's head. Strict, since what policy reads must be what the provider reads: one `Content-Disposition`, one
 * plain name, no folded lines, no coding of the content.
 */
export function readPartHead(text: string): PartHead {
  const lines = text.split('\r\n');
  let disposition: string | null = null;
  let textual = true;
  for (const line of lines) {
    const cut = line.indexOf(':');
    if (cut <= 0 || /^[ \t]/.test(line) || /[\0\r\n]/.test(line)) return { wrong: 'has a line that is no header' };
    const name = line.slice(0, cut).trim().toLowerCase();
    const value = line.slice(cut + 1).trim();
    if (name === 'content-transfer-encoding' && !PLAIN_CODING.test(value)) return { wrong: 'codes its content' };
    if (name === 'content-type') textual = TEXT_TYPE.test(value);
    if (name !== 'content-disposition') continue;
    if (disposition !== null) return { wrong: 'has two Content-Disposition headers' };
    disposition = value;
  }
  if (disposition === null) return { wrong: 'has no Content-Disposition header' };
  const read = readDisposition(disposition);
  return 'wrong' in read || read.isFile || textual ? read : { wrong: 'is a text of another type or charset' };
}

function readDisposition(value: string): PartHead {
  if (!/^form-data[ \t]*;/i.test(value)) return { wrong: 'is no form-data' };
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex = value.indexOf(';');
  while (PARAMETER.lastIndex < value.length) {
    const match = PARAMETER.exec(value);
    if (!match) return { wrong: 'has a Content-Disposition that cannot be read' };
    const key = match[1]!.toLowerCase();
    if (parameters.has(key) || key === 'name*') return { wrong: 'names itself twice or in a coded form' };
    parameters.set(key, match[2] ?? match[3]!);
  }
  const name = parameters.get('name');
  if (name === undefined || !NAME.test(name)) return { wrong: 'has no plain name' };
  return { name, isFile: parameters.has('filename') || parameters.has('filename*') };
}
