import { count } from '#kernel/format.ts';

interface PagerProps {
  readonly offset: number;
  readonly size: number;
  readonly total: number;
  readonly onGo: (offset: number) => void;
}

/** Steps through rows that the server cut into pages; nothing where there is one. */
export function Pager({ offset, size, total, onGo }: PagerProps) {
  if (total <= size && offset === 0) return null;
  const last = Math.min(total, offset + size);
  return (
    <div class="row" role="group" aria-label="Pages of the table">
      <button type="button" disabled={offset === 0} onClick={() => onGo(Math.max(0, offset - size))}>
        Previous
      </button>
      <button type="button" disabled={last >= total} onClick={() => onGo(offset + size)}>
        Next
      </button>
      <span class="muted">
        {count(Math.min(total, offset + 1))}–{count(last)} of {count(total)}
      </span>
    </div>
  );
}

/** An offset out of an address. */
export const offsetIn = (text: string | undefined): number => {
  const value = Number(text ?? 0);
  return Number.isInteger(value) && value > 0 ? value : 0;
};
