import { relative } from 'node:path';
import { PROVIDERS } from '#providers/index.ts';
import { show as print, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { drawTable } from '../table.ts';
import { plain } from '../text.ts';
import { configInUse } from './in-use.ts';
import { effectiveValues, type EffectiveValue } from './values.ts';

export interface ConfigShowFlags extends CommonFlags {
  readonly config?: string;
  readonly effective: boolean;
}

interface ConfigReport {
  readonly report: 'config';
  /** Null: made from the environment. */
  readonly file: string | null;
  /** Address of the gate that runs on it; a change of the file counts for it within a second. */
  readonly runningAt: string | null;
  readonly values: readonly EffectiveValue[];
}

export async function show(this: CliContext, flags: ConfigShowFlags): Promise<void> {
  const { path, text, runningAt } = await configInUse(this, flags);
  const name = path === null ? null : shortPath(path);
  const keyVariable = (kind: string): string | null => PROVIDERS[kind]?.keyVariable ?? null;
  const values = effectiveValues({ text, name, runningAt, env: this.env, keyVariable });
  const report: ConfigReport = {
    ...{ report: 'config', file: path, runningAt },
    values: flags.effective ? values : values.filter(({ isDefault }) => !isDefault),
  };
  print(this, { json: flags.json, report, draw: (value) => draw(value, flags.effective, this) });
}

/** As an editor takes it: relative where that is shorter. */
function shortPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') || near === '' ? path : near;
}

function draw({ file, runningAt, values }: ConfigReport, effective: boolean, { terminal }: CliContext): string {
  const { dim } = terminal.paint;
  const table = drawTable(
    {
      columns: [
        { title: 'setting', shrinkTo: 24 },
        { title: 'value', shrinkTo: 16 },
        { title: 'source', shrinkTo: 16 },
      ],
      rows: values.map(({ path, value, source, isDefault }) => [
        plain(path),
        plain(value),
        isDefault ? { text: source, tone: dim } : plain(source),
      ]),
    },
    { width: terminal.width, heading: dim },
  );
  return [
    `${file === null ? 'no file: made from the environment' : plain(file)}${runningAt === null ? '' : ` · a gate is running on it at ${runningAt}`}`,
    '',
    ...table.lines,
    '',
    effective
      ? 'hint: headgate check   finds what is wrong'
      : 'hint: headgate config show --effective   shows the defaults as well',
  ].join('\n');
}
