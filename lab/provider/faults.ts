import { type Rng, intBetween } from '#kernel/rng.ts';

/**
 * One way to fail. Written `name` or `name@value`, several joined by commas:
 * - before the answer: a status (`429@2`: retry after 2 s, `500`, `503`, `529`, any 4xx or 5xx), `html-502`,
 *   `api-error@name` (a recorded error body), `redirect@/path`, `error-200` (an error body under a 200), `reset` (connection gone unanswered), `slow-headers@ms`,
 *   `hang` (never answers), `refuse@ms` (the listening socket is closed for so long)
 * - in a stream, counted in events: `cut@n` (socket destroyed after n), `half-event@n` (cut inside event n + 1),
 *   `clean-end@n` (a proper HTTP end without the terminal event), `stall@n` (silent after n until the client leaves),
 *   `pause@n:ms` (silent after n for so long), `malformed@n` (event n is broken JSON), `error-event@n` (in-band error
 *   after n), `dup@n` (event n twice)
 * - anywhere: `split@bytes` (written in so small pieces, default 7), `no-usage`, `wrong-usage@factor` (default 10)
 * In a unary answer `cut`, `half-event`, `clean-end` and `stall` act after half of the body.
 */
export interface Fault {
  readonly name: string;
  readonly value: string | null;
}

export function parseFaults(text: string): Fault[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
    .map((part) => {
      const at = part.indexOf('@');
      return at < 0 ? { name: part, value: null } : { name: part.slice(0, at), value: part.slice(at + 1) };
    });
}

export const faultText = (fault: Fault): string => (fault.value === null ? fault.name : `${fault.name}@${fault.value}`);

export const faultNamed = (faults: readonly Fault[], name: string): Fault | null =>
  faults.find((fault) => fault.name === name) ?? null;

export const numberOf = (fault: Fault, otherwise: number): number => {
  const value = Number.parseFloat(fault.value ?? '');
  return Number.isFinite(value) ? value : otherwise;
};

/** One line of a schedule. A window of request numbers (from 1), of time since the start, or both; all given must hold. */
export interface ScheduledFault {
  readonly fault: string;
  readonly from?: number;
  readonly to?: number;
  readonly every?: number;
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Part of the model name. */
  readonly model?: string;
  /** Part of the path. */
  readonly path?: string;
}

export interface FaultMoment {
  readonly n: number;
  readonly sinceStartMs: number;
  readonly model: string;
  readonly path: string;
}

export function scheduledFaults(schedule: readonly ScheduledFault[], moment: FaultMoment): Fault[] {
  return schedule.filter((line) => applies(line, moment)).flatMap((line) => parseFaults(line.fault));
}

const applies = (line: ScheduledFault, { n, sinceStartMs, model, path }: FaultMoment): boolean =>
  n >= (line.from ?? 1) &&
  n <= (line.to ?? Infinity) &&
  (line.every === undefined || n % line.every === 0) &&
  sinceStartMs >= (line.fromMs ?? 0) &&
  sinceStartMs <= (line.toMs ?? Infinity) &&
  model.includes(line.model ?? '') &&
  path.includes(line.path ?? '');

/** What a random fault may be, where the options name no list. All end a call within a test's patience. */
export const RANDOM_FAULTS: readonly string[] = [
  '429@1',
  '500',
  '503',
  '529',
  'reset',
  'cut@3',
  'half-event@2',
  'clean-end@4',
  'malformed@3',
  'error-event@3',
  'no-usage',
  'dup@3',
  'split@7',
];

export function randomFaults(rng: Rng, rate: number, names: readonly string[]): Fault[] {
  // Both draws always happen, so that a rate change does not move the rest of the seeded run.
  const [hit, pick] = [rng.next() < rate, intBetween(rng, 0, Math.max(0, names.length - 1))];
  return hit && names.length > 0 ? parseFaults(names[pick]!) : [];
}
