import type { CliContext } from '../context.ts';
import { usageFailure } from '../failure.ts';
import { readLitellmConfig, type LitellmConfig } from './litellm/config.ts';
import { readKeysCsv } from './litellm/csv.ts';
import { readLitellmState } from './litellm/state.ts';
import type { LitellmData } from './litellm/tables.ts';
import { perform, type ImportFlags } from './perform.ts';
import { Findings } from './plan.ts';
import { listUnpriced } from './unpriced.ts';
import { readSourceFile, textOf } from './source-file.ts';

export interface LitellmFlags extends ImportFlags {
  readonly databaseUrl?: string;
  readonly keys?: string;
  readonly tenant: string;
  readonly timeZone?: string;
  readonly unknownPrice?: string;
}

export async function importLitellm(this: CliContext, flags: LitellmFlags, file: string): Promise<void> {
  const findings = new Findings();
  const config = readLitellmConfig(readSourceFile(textOf(file), file), this.env, findings);
  const data = await dataOf(this, flags);
  if (data) await listUnpriced(config, this.now(), file, findings);
  const state = data && readLitellmState(data, stateOptions(this, flags, config, findings));
  const sources = [file, ...(data ? [data.name] : [])];
  await perform(this, flags, { from: 'litellm', sources, config, state, findings: findings.all });
}

async function dataOf({ env }: CliContext, { databaseUrl: url, keys }: LitellmFlags): Promise<LitellmData | null> {
  if (url !== undefined && keys !== undefined)
    throw usageFailure(
      '--database-url and --keys exclude each other.',
      'the database has everything that an export has',
    );
  if (keys !== undefined) return readKeysCsv(textOf(keys), keys);
  if (url === undefined) return null;
  const { databaseUrl, readDatabase } = await import('./litellm/database.ts');
  return readDatabase(databaseUrl(url, env));
}

const stateOptions = (context: CliContext, flags: LitellmFlags, config: LitellmConfig, findings: Findings) => ({
  now: context.now(),
  timeZone: flags.timeZone ?? config.timeZone ?? 'UTC',
  tenant: flags.tenant,
  accessGroups: config.accessGroups,
  unknownPriceUsd: flags.unknownPrice ?? null,
  findings,
});
