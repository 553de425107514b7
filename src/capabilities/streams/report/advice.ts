import { count, share } from '#kernel/format.ts';
import { shellWord } from '#kernel/shell.ts';
import type { StreamDimension, StreamEnding } from '#ports/stream-sums.ts';
import type { StreamLine } from './report.ts';

/** What stands out in a report, and the commands that go on from there. */
export interface Advice {
  readonly ending: StreamEnding;
  readonly text: string;
  readonly next: readonly string[];
}

export interface AdviceInput {
  readonly by: readonly StreamDimension[];
  readonly filters: Readonly<Partial<Record<StreamDimension, string>>>;
  readonly lines: readonly StreamLine[];
  readonly total: StreamLine;
  readonly spanMs: number;
}

/** Fewer say nothing. */
const LEAST = 3;
/** From which share of its streams on a group stands out. */
const SHARE = { truncated: 0.01, failed: 0.02, client_gone: 0.05, abandoned: 0.02 } as const;

/** The worst first: what died with a gate, what providers cut, what clients lost. Pure. */
export const adviceOf = (input: AdviceInput): readonly Advice[] => [
  ...interrupted(input),
  ...truncated(input),
  ...clientGone(input),
  ...abandoned(input),
  ...failed(input),
];

const streamsOf = (line: StreamLine, ending: StreamEnding): number => line.endings[ending]?.streams ?? 0;
const rateOf = (line: StreamLine, ending: StreamEnding): number =>
  line.all.streams === 0 ? 0 : streamsOf(line, ending) / line.all.streams;

/** The total where it stands out, else the group that does. */
function standsOut(input: AdviceInput, ending: keyof typeof SHARE): StreamLine | null {
  const plain = (line: StreamLine): boolean =>
    streamsOf(line, ending) >= LEAST && rateOf(line, ending) >= SHARE[ending];
  const worst = input.lines.filter(plain).toSorted((a, b) => rateOf(b, ending) - rateOf(a, ending))[0];
  return worst ?? (plain(input.total) ? input.total : null);
}

const whose = (line: StreamLine, by: readonly StreamDimension[]): string =>
  line.by.length === 0 ? '' : ` of ${by.map((name, i) => `${name} ${line.by[i] ?? '(none)'}`).join(', ')}`;

const said = (line: StreamLine, ending: StreamEnding, { by }: AdviceInput): string =>
  `${count(streamsOf(line, ending))} of ${count(line.all.streams)} streams (${share(rateOf(line, ending))})${whose(line, by)}`;

/** `24h` and `7d` as commands take them: hours round up, so that a command sees what the report saw. */
export function spanText(ms: number): string {
  const [minutes, hours, days] = [ms / 60_000, ms / 3_600_000, ms / 86_400_000];
  if (Number.isInteger(days)) return `${days}d`;
  if (hours > 3) return `${Math.ceil(hours)}h`;
  return `${Math.max(1, Math.ceil(minutes))}m`;
}

/** Flags of `calls list` that a line and the report's filters have in common with it. */
function flagsOf(line: StreamLine, { by, filters, spanMs }: AdviceInput): string {
  const known: Partial<Record<StreamDimension, string | null>> = { ...filters };
  by.forEach((name, i) => (known[name] ??= line.by[i] ?? null));
  const flags = (['tenant', 'feature', 'model', 'deployment', 'environment'] as const).flatMap((name) =>
    known[name] === undefined || known[name] === null ? [] : [` --${name} ${shellWord(known[name])}`],
  );
  return `${flags.join('')} --since ${spanText(spanMs)}`;
}

const calls = (line: StreamLine, outcome: string, input: AdviceInput): string =>
  `headgate calls list --outcome ${outcome}${flagsOf(line, input)}`;

function interrupted(input: AdviceInput): Advice[] {
  const { total, spanMs } = input;
  const died = streamsOf(total, 'interrupted');
  if (died === 0) return [];
  return [
    {
      ending: 'interrupted',
      text: `${count(died)} ${died === 1 ? 'stream' : 'streams'} died with a gate: its process ended before they did.`,
      next: [`headgate now --since ${spanText(Math.min(spanMs, 7 * 86_400_000))}`, calls(total, 'interrupted', input)],
    },
  ];
}

function truncated(input: AdviceInput): Advice[] {
  const line = standsOut(input, 'truncated');
  if (line === null) return [];
  const known = input.by.includes('deployment') || input.filters.deployment !== undefined;
  const further = `headgate streams report --by deployment --since ${spanText(input.spanMs)}`;
  return [
    {
      ending: 'truncated',
      text: `${said(line, 'truncated', input)} were cut by their provider before the end.`,
      next: [...(known ? [] : [further]), calls(line, 'truncated', input)],
    },
  ];
}

/** A proxy that cuts an idle stream looks like a client that leaves. */
function clientGone(input: AdviceInput): Advice[] {
  const line = standsOut(input, 'client_gone');
  if (line === null) return [];
  const known = input.by.includes('client') || input.filters.client !== undefined;
  const further = `headgate streams report --by client --since ${spanText(input.spanMs)}`;
  return [
    {
      ending: 'client_gone',
      text: `${said(line, 'client_gone', input)} lost their client before the end: it left, or a hop on its way cut it off.`,
      next: ['headgate streams doctor <url that this client uses> --open', ...(known ? [] : [further])],
    },
  ];
}

function abandoned(input: AdviceInput): Advice[] {
  const line = standsOut(input, 'abandoned');
  if (line === null) return [];
  return [
    {
      ending: 'abandoned',
      text: `${said(line, 'abandoned', input)} could be read again, and nobody came back within the grace.`,
      next: ['headgate streams live', calls(line, 'cancelled', input)],
    },
  ];
}

function failed(input: AdviceInput): Advice[] {
  const line = standsOut(input, 'failed');
  if (line === null) return [];
  return [
    {
      ending: 'failed',
      text: `${said(line, 'failed', input)} ended with an error of their provider or of ours.`,
      next: [calls(line, 'provider_error', input)],
    },
  ];
}
