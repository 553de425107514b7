import type { StateView } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { drawTable } from '../table.ts';
import { plain } from '../text.ts';
import { ask, word } from './change.ts';

export interface ExplainFlags extends CommonFlags {
  readonly team?: string;
  readonly key?: string;
}

interface Row {
  readonly field: string;
  readonly value: string | null;
  readonly by: string | null;
  readonly overruledBy: string | null;
}

/** What layers make of a call: each value, and which version of which layer set it. */
export async function explainTenant(
  this: CliContext,
  { team, key, ...flags }: ExplainFlags,
  tenant: string,
  feature?: string,
): Promise<void> {
  const asked = Object.entries({ feature, team, key }).filter(([, value]) => value !== undefined) as [string, string][];
  const query = asked.length > 0 ? `?${new URLSearchParams(asked)}` : '';
  const path = `/tenants/${encodeURIComponent(tenant)}/explain${query}`;
  const report = await ask(this, flags, { method: 'GET', path });
  show(this, { json: flags.json, report: { report: 'explain', ...report }, draw: () => draw(this, report) });
}

function draw({ terminal }: CliContext, report: StateView): string {
  const layers = report['layers'] as readonly string[];
  const rows = report['rows'] as readonly Row[];
  const whose = ['tenant', 'plan', 'team', 'feature', 'key']
    .filter((name) => report[name] !== null)
    .map((name) => `${name} ${word(report[name])}`)
    .join(', ');
  if (layers.length === 0) return `${whose}: no layer applies; a call goes on as it came.`;
  const table = drawTable(
    {
      columns: [{ title: 'what' }, { title: 'value', shrinkTo: 24 }, { title: 'set by', shrinkTo: 16 }],
      rows: rows.map(({ field, value, by, overruledBy }) => [
        plain(field),
        overruledBy === null
          ? valueText(value)
          : { text: `closed by ${plain(overruledBy)}`, tone: terminal.paint.warn },
        by === null ? 'nobody' : plain(by),
      ]),
    },
    { width: terminal.width, heading: terminal.paint.dim },
  );
  const refused = report['refused'] as string | null;
  return [
    `${whose}`,
    `layers, from the outside in: ${layers.map(plain).join(' → ')}`,
    ...(refused === null ? [] : [terminal.paint.bad(`every call is refused: ${plain(refused)}`)]),
    '',
    ...table.lines,
  ].join('\n');
}

/** A template in one line; `--json` has it whole. */
const valueText = (value: string | null): string => (value === null ? '' : plain(value.replaceAll('\n', ' ⏎ ')));
