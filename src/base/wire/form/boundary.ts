/** Characters of a boundary, 1 to 70 of them, none of which needs an escape (RFC 2046, 5.1.1), without the space. */
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=?]{1,70}$/;
const FORM = /^multipart\/form-data\s*(;|$)/i;
const PARAMETER = /;\s*([a-z]+)\s*=\s*(?:"([^"\\]*)"|([^\s;"]*))\s*/giy;

/** Is the body said to be a form? */
export const isForm = (contentType: string): boolean => FORM.test(contentType);

/**
 * The boundary that a content type names, or null where it names none, two, or one that RFC 2046 does not allow: what
 * reads of it differs between servers.
 */
export function boundaryOf(contentType: string): string | null {
  // Nothing legitimate comes near: 70 characters of boundary and a charset.
  if (contentType.length > 512) return null;
  let found: string | null = null;
  PARAMETER.lastIndex = contentType.indexOf(';');
  if (PARAMETER.lastIndex < 0) return null;
  while (PARAMETER.lastIndex < contentType.length) {
    const match = PARAMETER.exec(contentType);
    if (!match) return null;
    if (match[1]!.toLowerCase() !== 'boundary') continue;
    if (found !== null) return null;
    found = match[2] ?? match[3]!;
  }
  return found !== null && BOUNDARY.test(found) ? found : null;
}

/** A content type that every reader understands alike. */
export const formType = (boundary: string): string =>
  /^[0-9A-Za-z'+_\-.]+$/.test(boundary)
    ? `multipart/form-data; boundary=${boundary}`
    : `multipart/form-data; boundary="${boundary}"`;
