import { createHash } from 'node:crypto';

/** Runs as one step of the server; asked for by its hash, once the connection has loaded it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

export const script = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') });
