import { shipped } from '#ports/entry-text.ts';
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { epochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { seededRng } from '#kernel/rng.ts';
import { everyTenant } from '#kernel/whose.ts';
import { sampleEntry } from '#ports/ledger-store.samples.ts';
import { openSqliteLedger, openSqliteLedgerReadOnly } from './ledger-store.ts';
import { openSqliteState } from './state-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'headgate-away-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const rng = seededRng(7);
const EVERY = everyTenant('a test');
const EVER = { whose: EVERY, from: epochMs(0), to: epochMs(4e12) };
const entryAt = (n: number) => sampleEntry(rng, Date.UTC(2026, 7, 3) + n);
const isAway = (error: unknown): boolean => error instanceof HeadgateError && error.code === 'store_unavailable';

/** Another process that holds the write lock until its input ends. */
async function lockElsewhere(path: string): Promise<ChildProcess> {
  const code = `const { DatabaseSync } = require('node:sqlite');
    const db = new DatabaseSync(${JSON.stringify(path)});
    db.exec('BEGIN IMMEDIATE'); console.log('locked');
    process.stdin.resume().on('end', () => { db.exec('ROLLBACK'); db.close(); });`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout!, 'data');
  return child;
}

async function release(child: ChildProcess): Promise<void> {
  child.stdin!.end();
  await once(child, 'exit');
}

test('a lock of another process: ship is refused and reads go on; then it comes back by itself', async () => {
  const path = join(folder, 'locked.db');
  const store = openSqliteLedger(path);
  const [first, second] = [entryAt(1), entryAt(2)];
  await store.ship(shipped([first]));
  const holder = await lockElsewhere(path);
  await assert.rejects(store.ship(shipped([second])), isAway);
  assert.deepEqual(await store.call(first.id, EVERY), first);
  await release(holder);
  assert.deepEqual(await store.ship(shipped([first, second])), { inserted: 1 });
  assert.deepEqual(await store.verifyRollups(EVER), []);
  await store.close();
});

test('a file that is moved away takes nothing; put back, it has all', async () => {
  const path = join(folder, 'moved.db');
  const store = openSqliteLedger(path);
  const [first, second] = [entryAt(3), entryAt(4)];
  await store.ship(shipped([first]));
  const suffixes = ['', '-wal', '-shm'];
  for (const suffix of suffixes) renameSync(path + suffix, `${path}.elsewhere${suffix}`);
  await assert.rejects(store.ship(shipped([second])), isAway);
  await assert.rejects(store.call(first.id, EVERY), isAway);
  assert.ok(!existsSync(path), 'no empty file in its place');
  for (const suffix of suffixes)
    if (existsSync(`${path}.elsewhere${suffix}`)) renameSync(`${path}.elsewhere${suffix}`, path + suffix);
  assert.deepEqual(await store.ship(shipped([first, second])), { inserted: 1 });
  assert.equal((await store.calls({ ...EVER, limit: 9 })).length, 2);
  await store.close();
});

test('the main file alone moved and put back loses nothing that was confirmed', async () => {
  const path = join(folder, 'main-moved.db');
  const store = openSqliteLedger(path);
  const first = entryAt(5);
  await store.ship(shipped([first]));
  renameSync(path, `${path}.elsewhere`);
  await assert.rejects(store.ship(shipped([entryAt(6)])), isAway);
  renameSync(`${path}.elsewhere`, path);
  assert.deepEqual(await store.call(first.id, EVERY), first);
  await store.close();
});

test('a file that was away at the start is not made anew', async () => {
  const path = join(folder, 'gone.db');
  const before = openSqliteLedger(path);
  const first = entryAt(7);
  await before.ship(shipped([first]));
  await before.close();
  renameSync(path, `${path}.elsewhere`);
  const store = openSqliteLedger(path);
  await assert.rejects(store.ship(shipped([first])), isAway);
  renameSync(`${path}.elsewhere`, path);
  assert.deepEqual(await store.ship(shipped([first])), { inserted: 0 });
  await store.close();
});

test('another file under the path is opened in place of the old one', async () => {
  const [path, other] = [join(folder, 'swapped.db'), join(folder, 'swapped-new.db')];
  const [store, restored] = [openSqliteLedger(path), openSqliteLedger(other)];
  const [first, second] = [entryAt(8), entryAt(9)];
  await store.ship(shipped([first]));
  await restored.ship(shipped([second]));
  await restored.close();
  for (const suffix of ['-wal', '-shm', '']) renameSync(path + suffix, `${path}.old${suffix}`);
  renameSync(other, path);
  assert.equal(await store.call(first.id, EVERY), null);
  assert.deepEqual(await store.call(second.id, EVERY), second);
  await store.close();
});

test('what is no database is away, and is left as it is', async () => {
  const path = join(folder, 'text.db');
  writeFileSync(path, 'not a database, and much longer than a header would be. '.repeat(200));
  await assert.rejects(openSqliteLedger(path).ship(shipped([entryAt(10)])), isAway);
  await assert.rejects(openSqliteState(path).load(EVERY), isAway);
});

test('a schema of a newer version is refused by a sentence that says so', async () => {
  const path = join(folder, 'newer.db');
  await openSqliteLedger(path).ship([]);
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 99');
  db.close();
  await assert.rejects(openSqliteLedger(path).ship([]), /schema 99/);
});

test('read-only: reads beside the writer and after it, and refuses to write', async () => {
  const path = join(folder, 'read.db');
  const writer = openSqliteLedger(path);
  const first = entryAt(11);
  await writer.ship(shipped([first]));
  const reader = openSqliteLedgerReadOnly(path);
  assert.deepEqual(await reader.call(first.id, EVERY), first);
  await assert.rejects(reader.ship(shipped([entryAt(12)])), isAway);
  await writer.close();
  assert.equal((await reader.spend({ ...EVER, by: [] }))[0]!.calls, 1);
  assert.deepEqual(await reader.verifyRollups(EVER), []);
  await reader.close();
  await assert.rejects(openSqliteLedgerReadOnly(join(folder, 'none.db')).call(first.id, EVERY), isAway);
});

/** A process under an ordinary user: root may write what is read-only. Ships one entry, prints how it went. */
async function shipElsewhere(path: string): Promise<string> {
  const code = `
    import { openSqliteLedger } from ${JSON.stringify(new URL('./ledger-store.ts', import.meta.url).href)};
    import { sampleEntry } from ${JSON.stringify(new URL('../../base/ports/ledger-store.samples.ts', import.meta.url).href)};
    import { shipped } from ${JSON.stringify(new URL('../../base/ports/entry-text.ts', import.meta.url).href)};
    const entry = sampleEntry({ next: () => 0.5 }, Date.now());
    const store = openSqliteLedger(${JSON.stringify(path)});
    const end = await store.ship(shipped([entry])).then(({ inserted }) => inserted, (error) => error.code);
    await store.close();
    console.log(end);`;
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    ...user,
    cwd: new URL('../../..', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'close');
  return text.trim();
}

test('a read-only file is away for the process that may not write it, until it may', async () => {
  const place = mkdtempSync(join(tmpdir(), 'headgate-read-only-'));
  after(() => rmSync(place, { recursive: true, force: true }));
  const path = join(place, 'ledger.db');
  const store = openSqliteLedger(path);
  await store.ship(shipped([entryAt(13)]));
  await store.close();
  chmodSync(path, 0o444);
  chmodSync(place, 0o555);
  assert.equal(await shipElsewhere(path), 'store_unavailable');
  chmodSync(place, 0o777);
  chmodSync(path, 0o666);
  assert.equal(await shipElsewhere(path), '1');
});
