/** Captured text of a call, to read: who said what, wrapped, and nothing in it that a terminal would obey. Pure. */
import type { CallContent, StreamPart, TextPart } from '#capabilities/parity/index.ts';
import type { Part, Turn } from '#wire/canonical.ts';
import type { Dialect } from '#wire/dialect.ts';
import { parseStrict } from '#wire/json/strict.ts';
import type { CliContext } from '../context.ts';
import { dateTime } from '../format.ts';
import { displayWidth, plain, wrap } from '../text.ts';

/** As the admin API gives it: times are text. */
export type ContentReport = Omit<CallContent, 'at' | 'expiresAt'> & { readonly at: string; readonly expiresAt: string };

export interface ContentScreen {
  readonly terminal: CliContext['terminal'];
  readonly zone: string;
  readonly dialects: Readonly<Record<string, Dialect>>;
}

const READABLE = 120;

export function drawContent(content: ContentReport, screen: ContentScreen): string {
  const { terminal, zone, dialects } = screen;
  const { paint } = terminal;
  const width = Math.min(terminal.width, READABLE);
  const until = dateTime(Date.parse(content.expiresAt), zone);
  const same = (text: string): boolean => text === content.client.text;
  return [
    paint.dim(`captured text, redacted; kept until ${until}`),
    '',
    paint.bold(`as the client sent it (${content.dialect})`),
    ...requestLines(content.client, dialects[content.dialect], width),
    ...content.attempts.flatMap((attempt) => [
      '',
      paint.bold(`attempt ${attempt.n} at ${plain(attempt.deployment)} (${attempt.dialect})`),
      ...(same(attempt.request.text)
        ? [paint.dim('  the same bytes')]
        : requestLines(attempt.request, dialects[attempt.dialect], width)),
      paint.bold(`answer${attempt.status === null ? '' : ` ${attempt.status}`}`),
      ...answerLines(attempt.answer, dialects[attempt.dialect], width),
    ]),
  ].join('\n');
}

const INDENT = '  ';

/** Each of its own lines, wrapped; a line without a gap is cut where the terminal ends. */
function textLines(text: string, width: number, indent = INDENT): string[] {
  return text.split(/\r\n|\r|\n/).flatMap((line) =>
    wrap(plain(line), width - indent.length)
      .split('\n')
      .flatMap((part) => chunks(part, width - indent.length))
      .map((part) => indent + part),
  );
}

function chunks(line: string, width: number): string[] {
  if (displayWidth(line) <= width) return [line];
  const out: string[] = [];
  for (let at = 0; at < line.length; at += width) out.push(line.slice(at, at + width));
  return out;
}

const cutNote = (part: { readonly cut: boolean }): string[] =>
  part.cut ? [`${INDENT}… cut here: more is not kept`] : [];

function requestLines(part: TextPart, dialect: Dialect | undefined, width: number): string[] {
  const parsed = parseStrict(Buffer.from(part.text));
  const call = parsed.ok && dialect ? dialect.decodeCall(parsed.value) : null;
  if (!call?.ok || call.value.kind !== 'generate') return [...jsonLines(part.text, width), ...cutNote(part)];
  const { turns, tools, ...rest } = call.value;
  const settings = Object.entries(rest).filter(([name, value]) => isSaid(name, value));
  return [
    ...textLines(settings.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(' · '), width),
    ...(tools.length === 0 ? [] : textLines(`tools: ${tools.map(({ name }) => name).join(', ')}`, width)),
    ...turns.flatMap((turn) => turnLines(turn, width)),
    ...cutNote(part),
  ];
}

const isSaid = (name: string, value: unknown): boolean =>
  name !== 'kind' &&
  value !== null &&
  value !== undefined &&
  !(Array.isArray(value) && value.length === 0) &&
  !(name === 'n' && value === 1);

const turnLines = ({ role, parts }: Turn, width: number): string[] => [
  `${INDENT}${role}:`,
  ...parts.flatMap((part) => textLines(partText(part), width, '    ')),
];

function partText(part: Part): string {
  if (part.type === 'text' || part.type === 'refusal') return part.text;
  if (part.type === 'reasoning') return `(reasoning) ${part.text}`;
  if (part.type === 'tool_call') return `(calls ${part.name}) ${part.args}`;
  if (part.type === 'tool_result') return `(result of ${part.id}) ${part.content.map(partText).join('\n')}`;
  return `(${part.type}) ${JSON.stringify(part)}`;
}

function answerLines(part: TextPart | StreamPart, dialect: Dialect | undefined, width: number): string[] {
  if (part.kind === 'text') return [...answerText(part.text, dialect, width), ...cutNote(part)];
  return [
    ...part.blocks.flatMap(({ kind, name, text }) =>
      textLines(kind === 'text' ? text : `(${kind}${name === null ? '' : ` ${name}`}) ${text}`, width),
    ),
    ...textLines(
      [
        ...(part.finish === null ? [] : [`finish ${part.finish}`]),
        ...(part.error === null ? [] : [`error: ${part.error}`]),
        ...(part.complete ? [] : ['the stream did not come to its end']),
      ].join(' · '),
      width,
    ),
    ...cutNote(part),
  ];
}

function answerText(text: string, dialect: Dialect | undefined, width: number): string[] {
  try {
    const answer = dialect?.decodeAnswer(JSON.parse(text));
    if (answer?.kind === 'generate' && answer.choices.some(({ parts }) => parts.length > 0))
      return answer.choices.flatMap(({ parts, finish }) => [
        ...parts.flatMap((part) => textLines(partText(part), width)),
        `${INDENT}finish ${finish}`,
      ]);
  } catch {
    // An error body, or one that was cut: as it is.
  }
  return jsonLines(text, width);
}

function jsonLines(text: string, width: number): string[] {
  try {
    return textLines(JSON.stringify(JSON.parse(text), null, 2), width);
  } catch {
    return textLines(text, width);
  }
}
