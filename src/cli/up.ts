import { existsSync } from 'node:fs';
import type { CliContext, UpFlags } from './context.ts';
import { CliFailure, EXIT } from './failure.ts';

/** Starts the gate; the process stays until SIGTERM or SIGINT. */
export async function up(this: CliContext, flags: UpFlags): Promise<void> {
  const config = flags.config ?? this.env['HEADGATE_CONFIG'];
  if (config !== undefined && !existsSync(config)) {
    throw new CliFailure({
      code: 'config_missing',
      message: `There is no file ${config}.`,
      hint: '`headgate init` writes one; without --config the gate starts from the environment',
      exit: EXIT.usage,
    });
  }
  await this.up(flags);
}
