import { connect, type StateView } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { dateTime, duration } from '../format.ts';
import { change, day, given, keptText, word } from '../state/change.ts';
import { drawTable } from '../table.ts';

export interface DrainFlags extends CommonFlags {
  readonly for: string;
  readonly reason: string;
  readonly level?: 'provider' | 'deployment' | 'model';
}

export function startDrain(this: CliContext, flags: DrainFlags, target: string): Promise<void> {
  const { level, reason, for: span } = flags;
  return change(this, flags, {
    ...{ method: 'POST', path: '/drains', body: { target, for: span, reason, ...given({ level }) } },
    done: (drain) =>
      `drained ${whatText(drain)} until ${day(this, drain['until'])}: new calls go elsewhere${unservedText(drain)}${keptText(drain)}`,
    hint: `headgate drain list   what is drained and how to end it`,
  });
}

export function stopDrain(this: CliContext, flags: CommonFlags, id: string): Promise<void> {
  return change(this, flags, {
    method: 'DELETE',
    path: `/drains/${encodeURIComponent(id)}`,
    done: (drain) => `${whatText(drain)} takes new calls again${keptText(drain)}`,
  });
}

interface DrainsReport {
  readonly report: 'drains';
  readonly drains: readonly StateView[];
  /** Models that nothing serves while these drains last. */
  readonly unserved: readonly string[];
}

/** Of the running gate alone: what holds, it knows. */
export async function listDrains(this: CliContext, flags: CommonFlags): Promise<void> {
  const client = await connect(this, flags);
  const answer = (await client.ask('GET', '/drains')) as Omit<DrainsReport, 'report'>;
  show<DrainsReport>(this, {
    json: flags.json,
    report: { report: 'drains', ...answer },
    draw: (report) => drawDrains(this, report),
  });
}

function drawDrains(context: CliContext, { drains, unserved }: DrainsReport): string {
  const { terminal, now } = context;
  if (drains.length === 0)
    return 'Nothing is drained.\n\nhint: headgate drain <provider|deployment|model> --for 30m --reason "…"';
  const rows = drains.map((drain) => [
    word(drain['id']),
    whatText(drain),
    `${duration(Math.max(0, Date.parse(String(drain['until'])) - now()))}`,
    dateTime(Date.parse(String(drain['until'])), context.zone),
    word(drain['actor']),
    word(drain['reason']),
  ]);
  const columns = [
    { title: 'drain' },
    { title: 'what', shrinkTo: 14 },
    { title: 'left', align: 'right' } as const,
    { title: 'until', leaves: 2 },
    { title: 'by', leaves: 1 },
    { title: 'why', shrinkTo: 12 },
  ];
  const { lines } = drawTable({ columns, rows }, { width: terminal.width, heading: terminal.paint.dim });
  return [...lines, '', ...unservedLines(unserved), `hint: headgate drain stop ${word(drains[0]!['id'])}`].join('\n');
}

const whatText = (drain: StateView): string => `${word(drain['level'])} ${word(drain['target'])}`;

const unservedText = ({ unserved }: StateView): string => {
  const lines = unservedLines((unserved ?? []) as readonly string[]);
  return lines.length === 0 ? '' : `\nwarning: ${lines.join('')}`;
};

/** Names shown of models that are refused meanwhile. */
const MOST_NAMES = 8;
function unservedLines(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return [
    `nothing is left that serves ${names.slice(0, MOST_NAMES).map(word).join(', ')}${more}: calls for it are refused as \`drained\` (a feature's chain still serves)`,
  ];
}
