import { duration } from '#kernel/format.ts';
import {
  AT_ORIGIN,
  FIXES,
  HOP_TITLES,
  HOPS,
  type DoctorReport,
  type Finding,
  type FixTopic,
  type Hop,
  type WayReport,
} from '#capabilities/streams/cli.ts';
import type { CliContext } from '../context.ts';
import type { Paint } from '../terminal.ts';
import { padEnd, plain, wrap } from '../text.ts';
import type { TicketReport } from './doctor.ts';

export const drawTicket = ({ ticket, expiresAt, gate }: TicketReport): string =>
  [
    `The echo of ${gate} is open until ${expiresAt}.`,
    `  ticket   ${ticket}`,
    '',
    `hint: headgate streams doctor https://your-gate.example --ticket ${ticket}`,
  ].join('\n');

const TITLES = {
  ...{ http: 'HTTP', sse: 'SSE', 'sse-h2': 'SSE h2', websocket: 'WebSocket', 'websocket-h2': 'WS h2' },
  ...{ grpc: 'gRPC', 'grpc-web': 'gRPC-Web' },
} as const;
const NAMES = { good: 'good', warn: 'warn', bad: 'bad', unknown: '?' } as const;
/** Columns before the words of a finding. */
const LABEL_WIDTH = 34;

/** Words beside what stands before them, further lines below their beginning. */
function beside(before: string, columns: number, { words, width }: { words: string; width: number }): string {
  const lines = wrap(words, Math.max(20, width - columns)).split('\n');
  return before + lines.join(`\n${' '.repeat(columns)}`);
}

const indented = (columns: number, words: string, width: number): string =>
  beside(' '.repeat(columns), columns, { words, width });

export function drawDoctor(report: DoctorReport, { terminal: { paint, width } }: CliContext, hop: Hop | null): string {
  const blocks = report.ways.map((way) => drawWay(way, paint, width));
  const topics = topicsOf(report);
  return [
    head(report),
    ...blocks,
    ...(report.hops.length > 0 ? [hopLines(report, width)] : []),
    ...(topics.length > 0 ? [fixLines(topics, hop, width)] : []),
    ...(report.leftOut === null ? [] : [`left out: ${report.leftOut}`]),
    'hint: --markdown prints this with every fix; docs/reference/stream-fixes.md has them all',
  ].join('\n\n');
}

function head({ at, plan, waste, ways }: DoctorReport): string {
  const took = Math.max(...ways.map(({ tookMs }) => tookMs));
  const pace = `${plan.events} events ${duration(plan.everyMs)} apart, ${plan.repeats} times`;
  const money = `waste at ${waste.tokensPerSecond} tokens/s, $${waste.pricePerMillionUsd} a million`;
  return `Stream doctor · ${at} · took ${duration(took)} · ${pace} · ${money}`;
}

function drawWay(way: WayReport, paint: Paint, width: number): string {
  const tone = { good: paint.good, warn: paint.warn, bad: paint.bad, unknown: paint.dim };
  const line = ({ state, protocol, title, says }: Finding): string => {
    const label = `${padEnd(NAMES[state], 6)}${padEnd(TITLES[protocol], 11)}${padEnd(title, 17)}`;
    return beside(tone[state](label), LABEL_WIDTH, { words: says, width });
  };
  const { server, via, roundTripMs } = way.measured.http;
  const named = [server && `Server ${server}`, via && `Via ${via}`].filter(Boolean).join(', ');
  const facts = `round trip ${duration(roundTripMs)}${named === '' ? '' : ` · names itself ${plain(named)} (not judged by)`}`;
  const { says, conditions } = way.recommendation;
  return [
    `${paint.bold(plain(way.url))} · ${facts}`,
    ...way.findings.map(line),
    '',
    wrap(`Use ${says}.`, width),
    ...conditions.map((one) => beside('  - ', 4, { words: one, width })),
    ...(way.bounds ?? []).map(({ name, http, bound, value, broken }) =>
      (broken ? paint.bad : paint.good)(
        `bound ${name}=${bound}: ${value}${way.measured.http2 === null ? '' : ` over HTTP/${http}`} · ${broken ? 'broken' : 'kept'}`,
      ),
    ),
  ].join('\n');
}

const hopLines = ({ hops }: DoctorReport, width: number): string =>
  [
    'Which hop',
    ...hops.map(({ protocol, title, from, to }) =>
      indented(
        2,
        `${TITLES[protocol]} ${title}: between ${plain(from)} and ${to === null ? 'the gate' : plain(to)}`,
        width,
      ),
    ),
  ].join('\n');

/** Of the way from outside, in the order of its findings. */
export const topicsOf = ({ ways }: DoctorReport): FixTopic[] => [
  ...new Set(ways[0]!.findings.flatMap(({ fix, state }) => (fix !== null && state !== 'good' ? [fix] : []))),
];

const fixLines = (topics: readonly FixTopic[], hop: Hop | null, width: number): string =>
  [
    'What mends it',
    ...topics.flatMap((topic) => [
      indented(2, `${topic} · at the origin: ${AT_ORIGIN[topic]}`, width),
      ...HOPS.filter((name) => (hop === null ? FIXES[topic][name].setting !== null : name === hop)).map((name) => {
        const { setting, note } = FIXES[topic][name];
        return indented(4, `${HOP_TITLES[name]}: ${setting?.replaceAll('\n', ' ') ?? note}`, width);
      }),
    ]),
  ].join('\n');
