/** A certificate for `localhost` by openssl, which signs itself. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../harness/gate-process.ts';
import type { TlsFiles } from './proxies.ts';

export const hasOpenssl = ((): boolean => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

export interface Certificate extends TlsFiles {
  /** PEM. */
  readonly text: string;
  readonly remove: () => void;
}

export function makeCertificate(): Certificate {
  const dir = temporaryFolder('tls');
  // Servers give their rights up, and must still read it.
  chmodSync(dir, 0o755);
  const [key, cert, both] = ['key.pem', 'cert.pem', 'both.pem'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert],
    ],
    { stdio: 'ignore' },
  );
  chmodSync(key, 0o644);
  const text = readFileSync(cert, 'utf8');
  writeFileSync(both, text + readFileSync(key, 'utf8'));
  return { ...{ key, cert, both, text }, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
