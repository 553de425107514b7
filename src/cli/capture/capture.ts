import { connect, type StateView } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { count, dateTime, duration, share } from '../format.ts';
import { change, day, given, keptText, word } from '../state/change.ts';
import { drawTable } from '../table.ts';

export interface CaptureFlags extends CommonFlags {
  readonly tenant?: string;
  readonly feature?: string;
  readonly key?: string;
  readonly model?: string;
  readonly ratio: number;
  readonly for: string;
  readonly reason: string;
}

export function startCapture(this: CliContext, flags: CaptureFlags): Promise<void> {
  const { tenant, feature, key, model, ratio, for: span, reason } = flags;
  return change(this, flags, {
    ...{ method: 'POST', path: '/captures' },
    body: { ...given({ tenant, feature, key, model }), ratio, for: span, reason },
    done: (capture) => `capturing ${scopeText(capture)} until ${day(this, capture['until'])}${keptText(capture)}`,
    hint: `headgate calls show latest --content`,
  });
}

export function stopCapture(this: CliContext, flags: CommonFlags, id: string): Promise<void> {
  return change(this, flags, {
    ...{ method: 'DELETE', path: `/captures/${encodeURIComponent(id)}` },
    done: (capture) => `${scopeText(capture)} is captured no more${keptText(capture)}`,
  });
}

interface CapturesReport {
  readonly report: 'captures';
  readonly allowed: boolean;
  readonly keyId: string | null;
  readonly retentionMs: number | null;
  readonly folder: Readonly<Record<'bytes' | 'records' | 'kept' | 'full' | 'failed' | 'busy', number>> & {
    readonly maxBytes: number | null;
    readonly isFull: boolean;
    readonly trouble: string | null;
  };
  readonly captures: readonly StateView[];
}

/** Of the running gate alone: what holds, it knows. */
export async function listCaptures(this: CliContext, flags: CommonFlags): Promise<void> {
  const client = await connect(this, flags);
  const answer = (await client.ask('GET', '/captures')) as Omit<CapturesReport, 'report'>;
  show<CapturesReport>(this, {
    json: flags.json,
    report: { report: 'captures', ...answer },
    draw: (report) => drawCaptures(this, report),
  });
}

function drawCaptures(context: CliContext, report: CapturesReport): string {
  const { terminal, now, zone } = context;
  const { captures } = report;
  const lines = folderLines(report, terminal.paint.bad);
  if (captures.length === 0)
    return [
      'Nothing is captured.',
      ...lines,
      '',
      'hint: headgate capture start --tenant <id> --for 1h --reason "…"',
    ].join('\n');
  const rows = captures.map((capture) => [
    word(capture['id']),
    scopeText(capture),
    duration(Math.max(0, Date.parse(String(capture['until'])) - now())),
    dateTime(Date.parse(String(capture['until'])), zone),
    word(capture['actor']),
    word(capture['reason']),
  ]);
  const columns = [
    { title: 'capture' },
    { title: 'of', shrinkTo: 14 },
    { title: 'left', align: 'right' } as const,
    { title: 'until', leaves: 2 },
    { title: 'by', leaves: 1 },
    { title: 'why', shrinkTo: 12 },
  ];
  const table = drawTable({ columns, rows }, { width: terminal.width, heading: terminal.paint.dim });
  return [...table.lines, '', ...lines, `hint: headgate capture stop ${word(captures[0]!['id'])}`].join('\n');
}

const mb = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`;

function folderLines({ allowed, folder, retentionMs }: CapturesReport, bad: (text: string) => string): string[] {
  if (!allowed) return ['capturing is off: no `capture.key` in headgate.yaml, or `capture.allowed` is false'];
  const { bytes, maxBytes, records, full, failed, busy, isFull, trouble } = folder;
  const lost = full + failed + busy;
  return [
    `${count(records)} calls kept, ${mb(bytes)} of ${mb(maxBytes ?? 0)}, each for ${duration(retentionMs)}`,
    ...(isFull ? [bad('the folder is full: nothing is captured until something expires')] : []),
    ...(trouble === null ? [] : [bad(`the last call could not be written (${word(trouble)})`)]),
    ...(lost > 0
      ? [`${count(lost)} calls were not kept: ${count(full)} full, ${count(failed)} failed, ${count(busy)} busy`]
      : []),
  ];
}

function scopeText(capture: StateView): string {
  const { scope, ratio } = capture as { scope?: Record<string, string | null>; ratio?: number };
  const parts = Object.entries(scope ?? {}).filter(([, value]) => value !== null);
  const part = ratio !== undefined && ratio < 1 ? `${share(ratio)} of ` : '';
  return part + parts.map(([name, value]) => `${name} ${word(value)}`).join(', ');
}
