/**
 * Holds the lock of a SQLite file until it is killed. `whole`: not even readers get in.
 *
 *     node lock-file.ts <path> [whole]
 */
import { DatabaseSync } from 'node:sqlite';

const [path = '', how] = process.argv.slice(2);
const db = new DatabaseSync(path, { timeout: 5_000 });
if (how === 'whole') db.exec('PRAGMA locking_mode = EXCLUSIVE');
db.exec('BEGIN EXCLUSIVE');
process.stdout.write('locked\n');
setInterval(() => undefined, 60_000);
