import { buildCommand } from '@stricli/core';
import { show, type CliContext } from './context.ts';
import { json } from './flags.ts';

export const versionCommand = buildCommand<{ readonly json: boolean }, [], CliContext>({
  func(flags) {
    const report = {
      report: 'version',
      headgate: this.version,
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
    };
    show(this, {
      json: flags.json,
      report,
      draw: ({ headgate, node, platform }) => `headgate ${headgate} (node ${node}, ${platform})`,
    });
  },
  parameters: { flags: { json } },
  docs: { brief: 'Show the version' },
});
