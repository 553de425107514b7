import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { ledgerStoreContract } from '#ports/ledger-store.contract.ts';
import { stateStoreContract } from '#ports/state-store.contract.ts';
import { openSqliteLedger } from './ledger-store.ts';
import { openSqliteState } from './state-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'headgate-sqlite-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const nextFile = (): string => join(folder, `${++files}.db`);

ledgerStoreContract({ name: 'sqlite', open: async () => openSqliteLedger(nextFile()) });
stateStoreContract({ name: 'sqlite', open: async () => openSqliteState(nextFile()) });
