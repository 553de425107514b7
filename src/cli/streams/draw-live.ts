/** Streams that go on as a table. Pure. */
import type { LiveStreamsView, LiveStreamView } from '#gateway/operations/streams.ts';
import type { CliContext } from '../context.ts';
import { count, duration } from '../format.ts';
import { drawTable, type Cell } from '../table.ts';
import { plain } from '../text.ts';
import { kib, NOBODY } from './words.ts';

const RIGHT = { align: 'right' } as const;

export function drawLive(view: LiveStreamsView, { terminal }: Pick<CliContext, 'terminal'>): string {
  const others = (view.callsInFlight ?? 0) - view.streams.length - view.leftOut;
  const flight = others > 0 ? `${count(others)} further calls are in flight without a log.` : '';
  if (view.streams.length === 0)
    return [
      'No stream with a log goes on.',
      ...(flight === '' ? [] : [flight]),
      '',
      'hint: a stream has a log where its call says `x-headgate-resume: true`, or its feature `resume: true`',
    ].join('\n');
  const columns = [
    { title: 'call' },
    { title: 'tenant', shrinkTo: 8 },
    { title: 'model', shrinkTo: 8 },
    { title: 'feature', leaves: 3 },
    { title: 'protocol', leaves: 4 },
    { title: 'client', leaves: 1 },
    { title: 'age', ...RIGHT },
    { title: 'events', ...RIGHT },
    { title: 'log', ...RIGHT, leaves: 2 },
    { title: 'readers', ...RIGHT },
    { title: 'came back', ...RIGHT, leaves: 5 },
  ];
  const rows = view.streams.map((stream) => rowOf(stream, terminal.paint.warn));
  const { lines, left } = drawTable({ columns, rows }, { width: terminal.width, heading: terminal.paint.dim });
  return [
    heading(view),
    '',
    ...lines,
    '',
    ...(view.leftOut > 0 ? [`${count(view.leftOut)} more are left out`] : []),
    ...(left.length > 0 ? [`no room for: ${left.join(', ')}`] : []),
    ...(flight === '' ? [] : [flight]),
    `hint: headgate streams cancel ${plain(view.streams[0]!.id)}   ends one`,
  ].join('\n');
}

function heading({ streams, leftOut, logBytes }: LiveStreamsView): string {
  const running = streams.length + leftOut;
  return `${count(running)} ${running === 1 ? 'stream goes' : 'streams go'} on · logs ${kib(logBytes)}`;
}

const rowOf = (stream: LiveStreamView, warn: (text: string) => string): Cell[] => [
  ...[plain(stream.id), plain(stream.tenant), plain(stream.model), plain(stream.feature ?? '–')],
  ...[stream.protocol, plain(stream.client ?? '–'), duration(stream.ageMs), count(stream.events), kib(stream.logBytes)],
  stream.readers === 0 ? { text: NOBODY, tone: warn } : count(stream.readers),
  count(stream.resumes),
];
