import { useEffect, useRef, useState } from 'preact/hooks';
import { Refusal } from '../session/client.ts';
import { useConnection } from './connection.ts';
import { useNavigation } from './use-place.ts';

/** An answer of the gate as a page shows it: the last good one stays through trouble. */
export interface Asked<T> {
  readonly data: T | null;
  readonly error: Refusal | null;
  /** When `data` was read. */
  readonly at: number | null;
  readonly again: () => void;
}

/** No more often than this for what costs the store most: pages of long windows. */
const SLOW_MS = 30_000;

/**
 * Asks when `key` changes and, while the page is live, at each tick; `slow` answers are asked for every half minute.
 * An answer to an older question is dropped.
 */
export function useAsked<T>(
  key: string,
  load: () => Promise<T>,
  { slow = false, once = false }: { readonly slow?: boolean; readonly once?: boolean } = {},
): Asked<T> {
  const { tick, report } = useConnection();
  const { paused } = useNavigation().place;
  const [state, setState] = useState<{ key: string; data: T | null; error: Refusal | null; at: number | null }>({
    key,
    data: null,
    error: null,
    at: null,
  });
  const [asks, setAsks] = useState(0);
  const asked = useRef({ key: '', at: 0, running: false, asks: 0, answered: false });
  useEffect(() => {
    const last = asked.current;
    const same = last.key === key && last.asks === asks;
    const enough = (paused || once) && last.answered;
    if (same && (enough || last.running || (slow && Date.now() - last.at < SLOW_MS))) return;
    const mine = { key, at: Date.now(), running: true, asks, answered: false };
    asked.current = mine;
    const done = (next: Partial<typeof state>): void => {
      mine.running = false;
      if (asked.current === mine)
        setState((old) => ({ ...(old.key === key ? old : { data: null, at: null }), key, error: null, ...next }));
    };
    load().then(
      (data) => {
        report(null);
        mine.answered = true;
        done({ data, at: Date.now() });
      },
      (error: unknown) => {
        const refusal = error instanceof Refusal ? error : mistake(error);
        report(refusal);
        // Asked again at the next tick.
        mine.at = 0;
        done({ error: refusal });
      },
    );
  }, [key, tick, paused, asks]);
  const current = state.key === key ? state : { ...state, error: null };
  return { ...current, again: () => setAsks((count) => count + 1) };
}

/** What the gate was still reading is there a moment later. */
const SOON_MS = 700;

/** Asks again soon, as long as the answer is not whole. */
export function useSoon({ at, again }: Asked<unknown>, wanted: boolean): void {
  useEffect(() => {
    if (!wanted) return;
    const timer = setTimeout(again, SOON_MS);
    return () => clearTimeout(timer);
  }, [at, wanted]);
}

/** An answer that this page cannot read: it and the gate may be of two versions, which a reload mends. */
const mistake = (error: unknown): Refusal =>
  new Refusal({ kind: 'refused', code: 'console_outdated', message: `${(error as Error).message} Reload the page.` });
