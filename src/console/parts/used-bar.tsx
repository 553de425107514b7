import { share } from '#kernel/format.ts';

interface Props {
  /** Used and held of the whole, 0.. */
  readonly used: number;
  /** Of it what is used for good, 0.. */
  readonly solid: number;
  readonly tone: 'ok' | 'warn' | 'bad';
}

/** What is used is solid, what is held for calls in flight is lighter; the figure stands above it. */
export const UsedBar = ({ used, solid, tone }: Props) => (
  <div>
    <div class={tone}>
      {share(used)}
      {used >= 1 ? ' used up' : ''}
    </div>
    <div class="used" aria-hidden="true">
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" class={tone}>
        <rect width={Math.min(1, used) * 100} height="6" fill="currentColor" opacity="0.45" />
        <rect width={Math.min(1, solid) * 100} height="6" fill="currentColor" />
      </svg>
    </div>
  </div>
);
