import { share } from '#kernel/format.ts';

interface UsedProps {
  /** Taken of the whole, 0 and up; `held` of it by calls in flight. */
  readonly taken: number;
  readonly held?: number;
  readonly warnAt?: number;
  /** What is said beside a full bar. */
  readonly full: string;
}

/** How full something is: the figure, and a bar of which what calls in flight hold is lighter. */
export function Used({ taken, held = 0, warnAt = 0.8, full }: UsedProps) {
  const tone = taken >= 1 ? 'bad' : taken >= warnAt ? 'warn' : 'ok';
  const width = (part: number): number => Math.max(0, Math.min(100, part * 100));
  return (
    <div>
      <div class={tone}>
        {share(taken)}
        {taken >= 1 ? ` ${full}` : ''}
      </div>
      <div class="used" aria-hidden="true">
        <svg viewBox="0 0 100 6" preserveAspectRatio="none" class={tone}>
          <rect width={width(taken)} height="6" fill="currentColor" opacity="0.45" />
          <rect width={width(taken - held)} height="6" fill="currentColor" />
        </svg>
      </div>
    </div>
  );
}
