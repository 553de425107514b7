import { duration } from '#kernel/format.ts';
import type { AttemptSpan, CallReport } from '#cli/calls/report.ts';
import { tickMs } from '#cli/calls/waterfall.ts';

const WIDTH = 1000;
const ROW = 28;
const TOP = 24;
/** Something that took place is seen. */
const LEAST = 2;
/** The scale's step leaves room for labels: about one each 90 units. */
const COLUMNS = 88;

/** Attempts on the clock of the call, to scale: connecting, waiting for the first token, tokens; a cross where it failed. */
export function Waterfall({ report }: { readonly report: CallReport }) {
  const { attempts, lengthMs } = report;
  const length = Math.max(lengthMs, 0.001);
  const x = (ms: number): number => (ms / length) * WIDTH;
  const height = TOP + attempts.length * ROW + 4;
  const step = tickMs({ lengthMs: length, columns: COLUMNS });
  const ticks = Array.from({ length: Math.floor(length / step) + 1 }, (_, i) => i * step);
  return (
    <svg class="waterfall" viewBox={`-2 0 ${WIDTH + 60} ${height}`} role="img" aria-label={spoken(report)}>
      {ticks.map((ms) => (
        <g key={ms}>
          <line class="grid" x1={x(ms)} x2={x(ms)} y1={TOP - 6} y2={height} />
          <text x={x(ms)} y={12}>
            {duration(ms)}
          </text>
        </g>
      ))}
      {attempts.map((attempt, i) => (
        <Bar key={attempt.n} attempt={attempt} x={x} y={TOP + i * ROW} />
      ))}
    </svg>
  );
}

function Bar({
  attempt,
  x,
  y,
}: {
  readonly attempt: AttemptSpan;
  readonly x: (ms: number) => number;
  readonly y: number;
}) {
  const { startMs, connectedMs, firstTokenMs, endMs, failed, heldMs = 0, n } = attempt;
  const end = Math.max(x(endMs ?? startMs), x(startMs) + LEAST);
  const connected = x(connectedMs ?? startMs);
  const first = firstTokenMs === null ? end : x(firstTokenMs);
  const out = failed ? end : Math.max(end, x((endMs ?? startMs) + heldMs));
  const part = (from: number, to: number, name: string) =>
    to > from && <rect class={name} x={from} y={y} width={to - from} height={ROW - 8} />;
  return (
    <g>
      {part(x(startMs), connected, 'connect')}
      {part(connected, first, failed ? 'failed' : 'wait')}
      {part(first, end, 'tokens')}
      {part(end, out, 'held')}
      <text x={Math.min(out + 6, WIDTH + 6)} y={y + 15}>
        {failed ? `✕ ${n}` : n}
      </text>
    </g>
  );
}

const spoken = ({ attempts, lengthMs }: CallReport): string =>
  `${attempts.length} attempts in ${duration(lengthMs)}: ${attempts
    .map(
      ({ n, startMs, endMs, failed, heldMs }) =>
        `${n} from ${duration(startMs)} to ${duration(endMs)}${heldMs === undefined ? '' : `, held for ${duration(heldMs)}`}${failed ? ', failed' : ''}`,
    )
    .join('; ')}`;
