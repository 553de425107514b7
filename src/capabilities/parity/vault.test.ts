import assert from 'node:assert/strict';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { captureKey } from './core/envelope.ts';
import { ownRules } from './own-rules.ts';
import { Vault } from './vault.ts';

const root = mkdtempSync(join(tmpdir(), 'headgate-vault-'));
after(() => rmSync(root, { recursive: true, force: true }));
const key = captureKey('ab'.repeat(32))!;
const HOUR = 3_600_000;
let folders = 0;
const folder = (): string => join(root, `v${++folders}`);

const put = (vault: Vault, call: string, now: number, keepMs = 7 * HOUR, text = `text of ${call}`): void =>
  vault.append({ call, tenant: 'acme', at: now, expiresAt: now + keepMs }, Buffer.from(text), { key, now });
const textOf = (vault: Vault, call: string): string => String(vault.read(call, [key]));
const files = (dir: string): string[] => readdirSync(dir).map((name) => join(dir, name));

test('what was kept is read after a restart, whatever the end of the last file is', () => {
  const dir = folder();
  const vault = new Vault(dir);
  put(vault, 'call_1', 0);
  put(vault, 'call_2', 1);
  vault.close();
  const [file] = files(dir);
  truncateSync(file!, statSync(file!).size - 5);
  const again = new Vault(dir);
  assert.equal(textOf(again, 'call_1'), 'text of call_1');
  assert.equal(again.head('call_2'), null, 'the process died while it wrote');
  put(again, 'call_3', 2);
  assert.equal(textOf(again, 'call_3'), 'text of call_3');
  assert.equal(files(dir).length, 2, 'nothing is appended to what another process has begun');
  again.close();
});

test('a file is shredded and deleted when its last record has expired, and not before', () => {
  const dir = folder();
  const vault = new Vault(dir);
  put(vault, 'call_1', 0, 2 * HOUR);
  put(vault, 'call_2', HOUR / 2, 2 * HOUR);
  put(vault, 'call_3', HOUR, 2 * HOUR);
  assert.equal(files(dir).length, 2, 'a file takes records for an hour');
  assert.equal(vault.forget(2 * HOUR), 0);
  assert.equal(vault.forget(2.5 * HOUR), 1);
  assert.equal(vault.head('call_2'), null);
  assert.equal(textOf(vault, 'call_3'), 'text of call_3');
  vault.close();
  const again = new Vault(dir);
  assert.equal(again.forget(3 * HOUR), 1, 'also by a process that has no key and did not write it');
  assert.deepEqual([again.bytes, again.records, files(dir).length], [0, 0, 0]);
});

test('another key, a damaged file, a foreign file', () => {
  const dir = folder();
  const vault = new Vault(dir);
  put(vault, 'call_1', 0);
  vault.close();
  assert.deepEqual(vault.read('call_1', [captureKey('cd'.repeat(32))!]), { needs: key.id });
  const [file] = files(dir);
  const bytes = readFileSync(file!);
  bytes[bytes.length - 20]! ^= 1;
  writeFileSync(file!, bytes);
  assert.equal(vault.read('call_1', [key]), null);
  writeFileSync(join(dir, `${'0'.repeat(24)}.captured`), 'not ours');
  writeFileSync(join(dir, 'notes.txt'), 'somebody else’s');
  const again = new Vault(dir);
  again.forget(100 * HOUR);
  assert.deepEqual(readdirSync(dir), ['notes.txt'], 'what is not ours by name stays');
});

test('a disk that refuses loses that record alone', () => {
  const dir = folder();
  const vault = new Vault(dir);
  renameSync(dir, `${dir}-away`);
  assert.throws(() => put(vault, 'call_1', 0));
  assert.equal(vault.head('call_1'), null);
  renameSync(`${dir}-away`, dir);
  put(vault, 'call_2', 0);
  assert.equal(textOf(vault, 'call_2'), 'text of call_2');
  vault.close();
});

test('rules of the operator are taken out; one that backtracks without end is broken off', () => {
  assert.equal(ownRules([]), null);
  assert.equal(ownRules(['customer-\\d+', 'zeta'])!('customer-17 and zeta'), '[redacted] and [redacted]');
  const slow = ownRules(['(a+)+$'])!;
  const from = performance.now();
  assert.throws(() => slow(`${'a'.repeat(40)}b`));
  assert.ok(performance.now() - from < 2_000);
  assert.equal(slow('bbb'), 'bbb', 'and works for the next text');
});
