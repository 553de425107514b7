import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AlertRule, Severity } from './config.ts';
import type { Waiting } from './core/outbox.ts';
import type { Instances } from './core/state.ts';

/** What a message about a rule needs, should the file have it no more. */
export interface SavedRule {
  readonly kind: AlertRule['kind'];
  readonly severity: Severity;
  readonly instances: Instances;
}

/** What outlives a restart: which alerts are known, and which messages are still owed. */
export interface SavedAlerts {
  readonly rules: Readonly<Record<string, SavedRule>>;
  readonly waiting: readonly Waiting[];
}

const FORMAT = 1;
const NAME = 'alerts.json';

/** Null: there is none, or it cannot be read; then every alert that holds is a new one. */
export function readAlerts(dataDir: string): SavedAlerts | null {
  try {
    const saved = JSON.parse(readFileSync(join(dataDir, NAME), 'utf8')) as SavedAlerts & { format: number };
    return saved.format === FORMAT ? saved : null;
  } catch {
    return null;
  }
}

/** Written beside and moved into place: a death in between leaves the old one. */
export function writeAlerts(dataDir: string, { rules, waiting }: SavedAlerts): void {
  const path = join(dataDir, NAME);
  writeFileSync(`${path}.new`, JSON.stringify({ format: FORMAT, rules, waiting }), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
