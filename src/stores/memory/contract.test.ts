import { ledgerStoreContract } from '#ports/ledger-store.contract.ts';
import { stateStoreContract } from '#ports/state-store.contract.ts';
import { memoryLedger } from './ledger-store.ts';
import { memoryState } from './state-store.ts';

ledgerStoreContract({ name: 'memory', open: async () => memoryLedger() });
stateStoreContract({ name: 'memory', open: async () => memoryState() });
