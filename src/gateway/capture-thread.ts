import { workerData } from 'node:worker_threads';
import { serveVault, type VaultThreadData } from '#capabilities/parity/index.ts';
import { DIALECTS } from './dialects.ts';

const { dir, port, settings } = workerData as VaultThreadData;
serveVault({ dir, port, settings, dialects: DIALECTS, now: Date.now });
