import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { readConfig } from '#kernel/config/read.ts';
import { configSchema } from '#gateway/config/schema.ts';
import { CliFailure, EXIT } from '../failure.ts';
import type { WantedConfig } from './plan.ts';

/** A headgate.yaml of what was found. Checked by the schema: what we write must be what we read. */
export function configText(wanted: WantedConfig, from: string): string {
  const { providers, models, prices, attempts } = wanted;
  const sections = {
    providers: Object.fromEntries(
      Object.entries(providers).map(([name, { kind, ...rest }]) => [name, { ...(kind !== name && { kind }), ...rest }]),
    ),
    models: Object.fromEntries(Object.entries(models).map(([name, deployments]) => [name, { deployments }])),
    ...(prices.length > 0 && { prices }),
    ...(attempts !== null && { retry: { attempts } }),
  };
  const yaml = stringify(sections, { lineWidth: 110, collectionStyle: 'any', aliasDuplicateObjects: false });
  const text = `# Made by \`headgate import\` from ${from.replaceAll('\n', ' ')}. \`headgate check\` says what is wrong here.\n${yaml}`;
  readConfig(text, 'the imported configuration', configSchema);
  return text;
}

export function writeConfig(path: string, text: string, force: boolean): void {
  try {
    // Exclusive: a file that somebody wrote in the meantime is not lost.
    writeFileSync(path, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const there = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new CliFailure({
      code: there ? 'file_exists' : 'file_unwritable',
      message: there ? `${path} is there already.` : `${path}: ${(error as Error).message}`,
      hint: there ? '--force writes over it, --out names another' : 'name a place that can be written with --out',
      exit: EXIT.usage,
    });
  }
}
