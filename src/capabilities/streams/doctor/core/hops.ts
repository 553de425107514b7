/** Which stretch of a way does what, from the same way measured at several points. Pure. */
import type { Finding } from './findings.ts';

export interface Point {
  readonly url: string;
  readonly findings: readonly Finding[];
}

export interface HopFinding {
  readonly id: string;
  readonly title: string;
  readonly protocol: Finding['protocol'];
  /** The nearest point at which it is seen. */
  readonly from: string;
  /** The next point towards the gate, at which it is not; null: the gate itself or what is before it. */
  readonly to: string | null;
}

const isSeen = (point: Point, id: string): boolean =>
  point.findings.some((finding) => finding.id === id && (finding.state === 'warn' || finding.state === 'bad'));
const isGood = (point: Point, id: string): boolean =>
  point.findings.some((finding) => finding.id === id && finding.state === 'good');

/** `points` from the outside inwards. What is seen at one and good at all further in is made between the two. */
export function hopsOf(points: readonly Point[]): HopFinding[] {
  if (points.length < 2) return [];
  const ids = new Map(points.flatMap(({ findings }) => findings.map((finding) => [finding.id, finding])));
  return [...ids.values()].flatMap(({ id, title, protocol }) => {
    const at = points.findLastIndex((point) => isSeen(point, id));
    if (at < 0) return [];
    const inner = points.slice(at + 1);
    if (!inner.every((point) => isGood(point, id))) return [];
    return [{ id, title, protocol, from: points[at]!.url, to: inner[0]?.url ?? null }];
  });
}
