import { basename } from 'node:path';
import type { CliContext } from '../context.ts';
import { perform, type ImportFlags } from './perform.ts';
import { Findings } from './plan.ts';
import { readPortkeyConfig, unwrapped } from './portkey/config.ts';
import { textOf } from './source-file.ts';

export interface PortkeyFlags extends ImportFlags {
  readonly model?: string;
}

export async function importPortkey(this: CliContext, flags: PortkeyFlags, file: string): Promise<void> {
  const findings = new Findings();
  const { source, slug } = unwrapped(textOf(file), file);
  const name = flags.model ?? slug ?? basename(file).replace(/\.[^.]+$/, '');
  const config = readPortkeyConfig(source, name, findings);
  await perform(this, flags, { from: 'portkey', sources: [file], config, state: null, findings: findings.all });
}
