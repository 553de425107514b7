import { diffBodies, type BodyDiff } from '#capabilities/parity/index.ts';
import { DIALECTS } from '#gateway/dialects.ts';
import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { count, ratioOf, share } from '../format.ts';
import { plain, wrap } from '../text.ts';
import type { ContentReport } from './content.ts';
import { wholeId } from './show.ts';

export interface DiffFlags extends CommonFlags {
  readonly sent: boolean;
}

interface DiffReport {
  readonly report: 'calls_diff';
  readonly a: string;
  readonly b: string;
  /** Which bodies were compared. */
  readonly of: 'client' | 'sent';
  readonly diff: BodyDiff;
}

/** Each reading is in the audit, like that of `calls show --content`. */
export async function diff(this: CliContext, flags: DiffFlags, a: string, b: string): Promise<void> {
  const ids = [await wholeId(this, flags, a), await wholeId(this, flags, b)];
  const client = await connect(this, flags);
  const [one, other] = await Promise.all(
    ids.map(async (id) => (await client.ask('GET', `/calls/${encodeURIComponent(id)}/content`)) as ContentReport),
  );
  const found = diffBodies(sideOf(one!, flags), sideOf(other!, flags));
  if (found === null)
    throw new CliFailure({
      code: 'not_comparable',
      message: 'One of the two bodies is no request that can be read: it was cut, or it is of another dialect.',
      hint: 'headgate calls show <id> --content   prints each',
      exit: EXIT.usage,
    });
  const report: DiffReport = {
    report: 'calls_diff',
    a: ids[0]!,
    b: ids[1]!,
    of: flags.sent ? 'sent' : 'client',
    diff: found,
  };
  show(this, { json: flags.json, report, draw: (value) => drawDiff(value, this) });
}

function sideOf(content: ContentReport, { sent }: DiffFlags) {
  const attempt = sent ? content.attempts.at(-1) : undefined;
  const { dialect } = attempt ?? content;
  return { text: (attempt?.request ?? content.client).text, dialect: DIALECTS[dialect] };
}

/** Characters that are shown of each side, around the first that differs. */
const SHOWN = 240;

function drawDiff({ a, b, of, diff: found }: DiffReport, { terminal: { paint, width } }: CliContext): string {
  const readable = Math.min(width, 120);
  const head = [
    `a  ${a}`,
    `b  ${b}`,
    paint.dim(of === 'sent' ? 'as they were sent to the provider' : 'as the clients sent them'),
  ];
  if (found.first === null) return [...head, '', paint.good('the two say the same'), prefixLine(found)].join('\n');
  const { where, a: textA, b: textB } = found.first;
  const [shownA, shownB] = excerpts(textA, textB);
  const more =
    found.others.length === 0 ? [] : [wrap(`also different: ${found.others.map(plain).join(', ')}`, readable, '  ')];
  return [
    ...head,
    '',
    paint.bold(`first difference: ${plain(where)}`),
    wrap(paint.bad(`a  ${shownA}`), readable, '   '),
    wrap(paint.good(`b  ${shownB}`), readable, '   '),
    ...more,
    '',
    wrap(prefixLine(found), readable, '  '),
    paint.dim('secrets are redacted before they are kept: where two differ in a secret alone they look the same'),
  ].join('\n');
}

function excerpts(a: string | null, b: string | null): [string, string] {
  if (a === null || b === null) return [a === null ? '(not there)' : cut(a, 0), b === null ? '(not there)' : cut(b, 0)];
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return [cut(a, at), cut(b, at)];
}

function cut(text: string, at: number): string {
  const from = Math.max(0, at - SHOWN / 3);
  return `${from > 0 ? '…' : ''}${plain(text.slice(from, from + SHOWN))}${text.length > from + SHOWN ? '…' : ''}`;
}

const VERDICTS = {
  equal: 'the prefix that a provider caches is the same in both',
  continues: 'b begins with all of a: the provider’s cache of a serves b',
  differs: 'the prefix that a provider caches is shared up to',
} as const;

function prefixLine({ prefix }: BodyDiff): string {
  const { shared, ofA, sharedChars, charsOfA, verdict, until } = prefix;
  const part = share(ratioOf(BigInt(sharedChars), BigInt(charsOfA)));
  if (verdict !== 'differs') return `${VERDICTS[verdict]} (${count(shared)} pieces, ${count(sharedChars)} characters)`;
  return `${VERDICTS[verdict]} ${plain(until ?? '')}: ${count(shared)} of ${count(ofA)} pieces, ${count(sharedChars)} of ${count(charsOfA)} characters (${part})`;
}
