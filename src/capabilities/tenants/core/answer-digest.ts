import { createHmac, type Hmac } from 'node:crypto';

const NAME = 'headgate.answer-cache.1';

/**
 * Names a request among its tenant's own: HMAC-SHA256 under the tenant's secret, 43 characters of base64url. Nobody
 * without the secret can tell what was asked, or make another tenant's. `facts` are all that is no body, and the
 * members that follow with their lengths: no two requests are the same bytes.
 */
export class AnswerDigest {
  readonly #hmac: Hmac;

  constructor(secretHex: string, facts: readonly unknown[]) {
    const text = JSON.stringify([NAME, ...facts]);
    this.#hmac = createHmac('sha256', Buffer.from(secretHex, 'hex')).update(`${Buffer.byteLength(text)}:${text}`);
  }

  /** The next bytes of the members. */
  add(bytes: Uint8Array): void {
    this.#hmac.update(bytes);
  }

  end(): string {
    return this.#hmac.digest('base64url');
  }
}
