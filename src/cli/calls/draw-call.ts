/** One call as text: who, what, the attempts to scale, tokens, cost. Pure but for what the context tells. */
import { unitsText } from '#kernel/format-units.ts';
import { shortId } from '#kernel/ids.ts';
import { asSaid, SUBSCRIPTION, type Attempt, type CacheHit, type LedgerEntry } from '#ports/entry.ts';
import { count, dateTime, duration, ESTIMATED, money, UNKNOWN } from '../format.ts';
import type { Terminal } from '../terminal.ts';
import { padEnd, padStart, plain, displayWidth, wrap } from '../text.ts';
import type { CallReport } from './report.ts';
import { outcomeText } from './outcome.ts';
import { axis, bar, SIGN, type Scale } from './waterfall.ts';

export interface CallDrawing {
  readonly terminal: Pick<Terminal, 'width' | 'paint'>;
  readonly zone: string;
}

const LABEL = ' ├ attempt 10  '.length;
/** A bar longer than this is read no better. */
const MOST_COLUMNS = 64;
/** Tokens that came in one piece have no pace. */
const LEAST_SPAN_MS = 10;
const LEAST_COLUMNS = 24;

export function drawCall(report: CallReport, drawing: CallDrawing): string {
  const blocks = [heading(report, drawing), waterfall(report, drawing), facts(report, drawing)];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n\n${hint(report)}`;
}

function heading({ call, endpoint, keyName }: CallReport, { terminal, zone }: CallDrawing): string[] {
  const { paint } = terminal;
  const who = [call.tenant, call.team, call.feature].filter((part) => part !== null).map(plain);
  const key = keyName === null ? shortId(call.key) : `“${plain(keyName)}”`;
  const outcome = [call.cancelledBy === null ? call.status : outcomeText(call), call.errorCode]
    .filter((part) => part !== null)
    .map(plain)
    .join(' ');
  const parts = [
    `${call.httpStatus ?? UNKNOWN} ${call.status === 'ok' ? paint.good(outcome) : paint.bad(outcome)}`,
    ...(call.finish === null ? [] : [`finish ${plain(call.finish)}`]),
    ...(call.truncated && call.status !== 'truncated' ? [paint.bad('truncated')] : []),
    ...(call.degraded ? ['degraded'] : []),
    call.cost === null ? 'cost unknown' : `${estimated(call)}${money(call.cost.total)}`,
    duration(call.timing.totalMs),
  ];
  const extra = extras(asSaid(call));
  return [
    paint.bold(call.id),
    `POST ${endpoint} · ${[...who, `key ${key}`].join(' / ')}${call.session === null ? '' : ` · session ${plain(shortSession(call.session))}`}`,
    `${call.alias === null ? '' : `${plain(call.alias)} = `}${plain(call.modelAsked)}${asked(call)} → ${plain(call.deployment ?? 'no deployment')} · ${parts.join(' · ')}`,
    paint.dim(`${dateTime(call.at, zone, { seconds: true })} ${zone}${extra === '' ? '' : ` · ${extra}`}`),
  ];
}

const asked = ({ modelAsked, modelReturned }: LedgerEntry): string =>
  modelReturned === null || modelReturned === modelAsked ? '' : ` (answered by ${plain(modelReturned)})`;

const shortSession = (session: string): string =>
  session.length > 12 ? `${session.slice(0, 4)}…${session.slice(-4)}` : session;
const estimated = ({ usageSource }: Pick<LedgerEntry, 'usageSource'>): string =>
  usageSource === 'estimated' ? ESTIMATED : '';

function extras(call: LedgerEntry): string {
  const labels = Object.entries(call.labels).map(([name, value]) => plain(`${name}=${value}`));
  return [
    call.stream ? 'stream' : 'unary',
    ...(call.client === null ? [] : [plain(`${call.client} ${call.clientVersion ?? ''}`.trim())]),
    ...(call.clientRetry > 0 ? [`the client’s retry ${call.clientRetry}`] : []),
    ...(call.agent === null ? [] : [`agent ${plain(call.agent)}`]),
    ...(call.purpose === null ? [] : [`purpose ${plain(call.purpose)}`]),
    ...(call.layers.length === 0 ? [] : [`layers ${call.layers.map(plain).join(' → ')}`]),
    ...labels,
    ...(call.environment === 'default' ? [] : [`environment ${plain(call.environment)}`]),
  ].join(' · ');
}

interface Line {
  readonly label: string;
  readonly bar: string;
  readonly text: readonly string[];
  readonly failed: boolean;
  readonly detail: string | null;
}

function waterfall(report: CallReport, { terminal }: CallDrawing): string[] {
  const { call, attempts, lengthMs } = report;
  if (attempts.length === 0) return ['No attempt was sent to a provider.'];
  const { texts, widths, columns } = laidOut(call.attempts, terminal.width);
  const scale: Scale = { lengthMs, columns };
  const lines: Line[] = attempts.map((span, i) => ({
    label: `${i === attempts.length - 1 ? '└' : '├'} attempt ${span.n}`,
    bar: bar(span, scale),
    text: texts[i]!,
    failed: span.failed,
    detail: phases(call.attempts[i]!),
  }));
  return [
    terminal.paint.dim(`${' '.repeat(LABEL)}${axis(scale)}`),
    admitted(call),
    ...lines.flatMap((line) => drawLine(line, { columns, widths, terminal })),
    terminal.paint.dim(`${' '.repeat(LABEL)}${legend(lines)}`),
  ];
}

interface Layout {
  readonly texts: readonly (readonly [string, string, string])[];
  readonly widths: readonly number[];
  readonly columns: number;
}

/** Deployments by their whole name where that leaves the bars room, else by their provider. */
function laidOut(attempts: readonly Attempt[], width: number): Layout {
  const layout = (nameOf: (attempt: Attempt) => string): Layout => {
    const texts = attempts.map((attempt) => attemptText(attempt, nameOf(attempt)));
    const widths = [0, 1, 2].map((i) => Math.max(...texts.map((text) => displayWidth(text[i]!))));
    const tail = widths.reduce((sum, own) => sum + own + 2, 0);
    return { texts, widths, columns: Math.min(MOST_COLUMNS, width - LABEL - tail) };
  };
  const whole = layout(({ deployment }) => deployment);
  const { columns, ...short } = whole.columns >= LEAST_COLUMNS ? whole : layout(({ provider }) => provider);
  return { ...short, columns: Math.max(LEAST_COLUMNS, columns) };
}

const admitted = ({ timing, reservedNanoUsd }: LedgerEntry): string =>
  `${padEnd(' ├ admitted', LABEL)}▏ ${timing.queuedMs === null ? '' : `queued ${duration(timing.queuedMs)} · `}reserved ${money(reservedNanoUsd)}`;

interface LineOptions {
  readonly columns: number;
  readonly widths: readonly number[];
  readonly terminal: CallDrawing['terminal'];
}

function drawLine(
  { label, bar: cells, text, failed, detail }: Line,
  { columns, widths, terminal }: LineOptions,
): string[] {
  const [where, status, cost] = text as [string, string, string];
  const tone = failed ? terminal.paint.bad : terminal.paint.good;
  const line = `${padEnd(` ${label}`, LABEL)}${padEnd(cells, columns)}  ${padEnd(where, widths[0]!)}  ${tone(padEnd(status, widths[1]!))}  ${padStart(cost, widths[2]!)}`;
  if (detail === null) return [line.trimEnd()];
  const under = padEnd(label.startsWith('└') ? '' : ' │', LABEL);
  const words = wrap(detail, terminal.width - LABEL).split('\n');
  return [line.trimEnd(), ...words.map((text) => terminal.paint.dim(`${under}${text}`))];
}

function attemptText(attempt: Attempt, name: string): readonly [string, string, string] {
  const status = [attempt.httpStatus ?? (attempt.status === 'ok' ? null : attempt.status), attempt.errorCode]
    .filter((part) => part !== null)
    .join(' ');
  const nothingSent = attempt.usage === null && attempt.usageSource === 'none';
  const cost = attempt.cost ? `${estimated(attempt)}${money(attempt.cost.total)}` : nothingSent ? UNKNOWN : 'unknown';
  return [plain(name), plain(status || 'ok'), cost];
}

/** `connect 12 ms · headers 310 ms · first token 344 ms · 612 tokens in 1.31 s` */
function phases({ timing, usage, usageSource, heldMs, preambleBytes }: Attempt): string | null {
  const { connectedMs, headersMs, firstTokenMs, lastTokenMs, doneMs } = timing;
  const out = usage?.outputTokens ?? null;
  const spanMs = firstTokenMs === null || lastTokenMs === null ? null : lastTokenMs - firstTokenMs;
  const pace =
    out !== null && spanMs !== null && spanMs >= LEAST_SPAN_MS && out > 1
      ? ` (${count((out - 1) / (spanMs / 1000))}/s)`
      : '';
  const parts = [
    connectedMs === null ? null : `connect ${duration(connectedMs)}`,
    headersMs === null ? null : `headers ${duration(headersMs)}`,
    firstTokenMs === null ? null : `first token ${duration(firstTokenMs)}`,
    heldMs === undefined ? null : `held ${duration(heldMs)}`,
    out === null || spanMs === null
      ? null
      : `${estimated({ usageSource })}${count(out)} tokens in ${duration(spanMs)}${pace}`,
    doneMs === null || lastTokenMs !== null ? null : `done ${duration(doneMs)}`,
    preambleBytes === undefined ? null : `preamble ${count(preambleBytes)} bytes`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(' · ');
}

function legend(lines: readonly Line[]): string {
  const drawn = lines.map((line) => line.bar).join('');
  const names = { connect: 'connecting', wait: 'waiting', tokens: 'tokens', held: 'held', failed: 'failed' } as const;
  return Object.entries(names)
    .filter(([phase]) => drawn.includes(SIGN[phase as keyof typeof names]))
    .map(([phase, name]) => `${SIGN[phase as keyof typeof names]} ${name}`)
    .join('   ');
}

function facts(report: CallReport, { terminal }: CallDrawing): string[] {
  const { call } = report;
  const rows: (readonly [string, string])[] = [
    ['tokens', tokensText(call)],
    ['cost', costText(report)],
    ...(call.dropped.length > 0 ? [['dropped', call.dropped.map(plain).join(', ')] as const] : []),
    ...(call.redriveOf !== null ? [['goes on', `with ${call.redriveOf}, whose gate died`] as const] : []),
    ...(call.movedFrom !== null ? [['moved', movedText(call)] as const] : []),
    ...(call.cacheHit !== null ? [['cache', hitText(call.cacheHit)] as const] : []),
    ...(call.corrects !== null ? [['corrects', call.corrects] as const] : []),
    ...(report.correctedBy ? [['replaced', correctedText(report.correctedBy)] as const] : []),
    ...(call.resumes > 0 ? [['resumes', count(call.resumes)] as const] : []),
  ];
  return rows.map(([name, text]) => wrap(`${padEnd(name, 9)}${text}`, terminal.width, ' '.repeat(9)));
}

/** The gate's own cache had the answer. */
function hitText({ call, ageMs, usage, cost, collapsed }: CacheHit): string {
  const spared = `input ${count(usage.inputTokens)}, output ${count(usage.outputTokens)} tokens`;
  const parts =
    cost === null
      ? 'cost unknown'
      : PARTS.filter(([part]) => cost[part] !== 0n)
          .map(([part, name]) => `${name} ${money(cost[part])}`)
          .join(', ');
  const since = collapsed ? 'which was under way' : `${duration(ageMs)} old`;
  // It came to nothing, or not to all of it: nothing is saved.
  if (usage.inputTokens === null && usage.outputTokens === null && cost === null) return `waited for ${call}`;
  return `the answer of ${call}, ${since} · saved ${spared} · ${parts === '' ? '$0' : parts}`;
}

/** The prompt lay in another deployment's cache. */
const movedText = ({ movedFrom, moveCostNanoUsd }: LedgerEntry): string =>
  `from ${plain(movedFrom!)}, which held the prompt in its cache: ${
    moveCostNanoUsd === null ? 'cost unknown' : `${ESTIMATED}${money(moveCostNanoUsd)} more`
  }`;

/** What counts instead, for whoever has the id of the call from its answer. */
const correctedText = (by: LedgerEntry): string =>
  `by ${by.id}: ${by.cost === null ? 'cost unknown' : `${estimated(by)}${money(by.cost.total)}`}, output ${estimated(by)}${count(by.usage.outputTokens)}`;

/** A provider answered, and nobody said how much of what it was. */
const unsaid = ({ status, cost }: LedgerEntry): boolean => status === 'ok' && cost === null;

function tokensText(call: LedgerEntry): string {
  const { usage, usageSource } = call;
  if (usageSource === 'none' && unsaid(call)) return 'unknown: neither the answer nor the request says what was used';
  if (usageSource === 'none') return 'none: nothing came back from a provider';
  const units = unitsText(usage.units);
  if (usage.inputTokens === null && usage.outputTokens === null && units !== '') return `${estimated(call)}${units}`;
  const mark = estimated(call);
  const inside = (parts: readonly (readonly [string, number | null])[]): string => {
    const known = parts
      .filter(([, value]) => value !== null && value > 0)
      .map(([name, value]) => `${count(value)} ${name}`);
    return known.length === 0 ? '' : ` (${known.join(', ')})`;
  };
  const input = inside([
    ['cached', usage.cachedReadTokens],
    ['cache write', usage.cacheWriteTokens],
    ['audio', usage.inputAudioTokens],
    ['image', usage.inputImageTokens],
  ]);
  const output = inside([
    ['reasoning', usage.reasoningTokens],
    ['audio', usage.outputAudioTokens],
  ]);
  const tools = Object.entries(usage.toolUses).map(([name, uses]) => `   ${plain(name)} ${count(uses)}`);
  return `input ${mark}${count(usage.inputTokens)}${input}   output ${mark}${count(usage.outputTokens)}${output}${tools.join('')}${units === '' ? '' : `   ${units}`}${mark === '' ? '' : '   estimated'}`;
}

const PARTS = [
  ['input', 'input'],
  ['cachedRead', 'cached'],
  ['cacheWrite', 'cache write'],
  ['output', 'output'],
  ['other', 'other'],
] as const;

function costText({ call, releasedNanoUsd }: CallReport): string {
  if (call.priceVersion === SUBSCRIPTION) return '$0 · paid by the caller’s own subscription';
  if (call.cost === null)
    return call.usageSource === 'none' && unsaid(call)
      ? 'unknown: what was used is not known'
      : 'unknown: the model has no price';
  const { cost } = call;
  const parts = PARTS.filter(([part]) => cost[part] !== 0n).map(([part, name]) => `${name} ${money(cost[part])}`);
  const saved = call.savedCostNanoUsd ? [`saved ${money(call.savedCostNanoUsd)}`] : [];
  return [...(parts.length === 0 ? ['$0'] : parts), ...saved, `reserved − settled = ${money(releasedNanoUsd)}`].join(
    ' · ',
  );
}

function hint({ call }: CallReport): string {
  if (call.cost === null && call.usageSource !== 'none')
    return `hint: set a price for ${plain(call.modelReturned ?? call.modelAsked)} under \`prices:\` in headgate.yaml`;
  if (call.session !== null)
    return `hint: headgate calls list --session ${plain(call.session)}   the other calls of this session`;
  return `hint: headgate calls list --tenant ${plain(call.tenant)}   its neighbours`;
}
