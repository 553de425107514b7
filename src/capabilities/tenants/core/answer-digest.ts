import { createHmac, type Hmac } from 'node:crypto';

const NAME = 'headgate.answer-cache.1';

/**
 * Names a request among its tenant's own: HMAC-SHA256 under the tenant's secret, 43 characters of base64url. Nobody
 * without the secret can tell what was asked, or make another tenant's. Each part goes in with its length, so that no
 * two lists of parts are the same bytes.
 */
export class AnswerDigest {
  readonly #hmac: Hmac;

  constructor(secretHex: string) {
    this.#hmac = createHmac('sha256', Buffer.from(secretHex, 'hex'));
    this.part(NAME);
  }

  part(text: string): void {
    this.begin(Buffer.byteLength(text));
    this.#hmac.update(text, 'utf8');
  }

  /** A part of so many bytes follows, in as many pieces as it comes in. */
  begin(bytes: number): void {
    this.#hmac.update(`${bytes}:`);
  }
  piece(bytes: Uint8Array): void {
    this.#hmac.update(bytes);
  }

  end(): string {
    return this.#hmac.digest('base64url');
  }
}
