import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useRef, useState } from 'preact/hooks';
import { read, Refusal, resume } from '../session/client.ts';
import type { Who } from '../session/who.ts';

export interface Status {
  readonly version: string;
  readonly now: string;
  readonly startedAt: string;
  readonly environment: string;
  readonly ready: boolean;
  readonly draining: boolean;
  readonly inFlight: number;
  readonly refusals: Readonly<Record<string, number>>;
  readonly spool: {
    readonly unshippedCalls: number;
    readonly oldestUnshippedMs: number | null;
    readonly diskFull: boolean;
    readonly lostRecords: number;
  };
  readonly stateFrom: string;
  readonly features: readonly string[];
  readonly labels: readonly string[];
  readonly models: readonly string[];
  readonly configuration: string;
}

/** How the page stands to its gate. What is shown stays through all of it. */
export interface Connection {
  /** Null: not read yet, or the gate's own affair, which this session's token does not open. */
  readonly status: Status | null;
  /** Since when nothing answers; null: it does. */
  readonly goneSince: number | null;
  /** Since when the store is away, and its words; null: it is there. */
  readonly away: { readonly since: number; readonly message: string } | null;
  /** A restart that this page has seen; null: none. */
  readonly restartedAt: string | null;
  readonly needsLogin: boolean;
  /** Counts up when live pages should ask again. */
  readonly tick: number;
  /** Every question says how it went. */
  readonly report: (error: Refusal | null) => void;
  readonly askNow: () => void;
  readonly loggedIn: () => void;
}

export const ConnectionContext = createContext<Connection>(null as never);
export const useConnection = (): Connection => useContext(ConnectionContext);

/** Quick enough to watch an incident; an idle tab asks nothing. */
const POLL_MS = 5_000;
/** A gate that comes back is seen this soon. */
const RETRY_MS = 1_000;

const STATUS = 'GET /admin/status';

async function alive(): Promise<Who> {
  const who = await resume();
  if (who) return who;
  throw new Refusal({ kind: 'login', code: 'admin_unauthorized', message: 'Log in to the console.' });
}

type State = Pick<Connection, 'status' | 'goneSince' | 'away' | 'restartedAt' | 'needsLogin' | 'tick'>;
const FIRST: State = { status: null, goneSince: null, away: null, restartedAt: null, needsLogin: false, tick: 0 };

/**
 * Polls the gate's status, or the session itself where its token does not open the status; the pages' own questions
 * follow its tick unless they are paused. `onWho`: another token's session was found in the place of this one.
 */
export function useGate(who: Who, onWho: (who: Who) => void): Connection {
  const [state, setState] = useState(FIRST);
  const latest = useRef(state);
  latest.current = state;
  const report = useCallback((error: Refusal | null) => setState((old) => told(old, error, Date.now())), []);
  const poll = useCallback(async () => {
    if (document.hidden) return;
    try {
      const status = who.may(STATUS) ? ((await read('/status')) as Status) : null;
      if (status === null) onWho(await alive());
      setState((old) => answered(old, status));
    } catch (error) {
      if (!(error instanceof Refusal)) return;
      report(error);
      // Somebody logged in with another token in another tab of this browser.
      if (error.code === 'forbidden') void alive().then(onWho, report);
    }
  }, [who, onWho]);
  useEffect(() => {
    let timer = 0;
    const again = async (): Promise<void> => {
      await poll();
      timer = window.setTimeout(again, latest.current.goneSince === null ? POLL_MS : RETRY_MS);
    };
    void again();
    const seen = (): void => void (document.hidden || poll());
    document.addEventListener('visibilitychange', seen);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }, []);
  return {
    ...state,
    report,
    askNow: () => void poll(),
    loggedIn: () => {
      setState((old) => ({ ...old, needsLogin: false, tick: old.tick + 1 }));
      void poll();
    },
  };
}

function answered(old: State, status: Status | null): State {
  const restarted = old.status !== null && status !== null && old.status.startedAt !== status.startedAt;
  return {
    ...old,
    status,
    goneSince: null,
    needsLogin: false,
    restartedAt: restarted ? status.startedAt : old.restartedAt,
    tick: old.tick + 1,
  };
}

function told(old: State, error: Refusal | null, now: number): State {
  if (error === null) return old.away === null ? old : { ...old, away: null };
  if (error.kind === 'login') return old.needsLogin ? old : { ...old, goneSince: null, needsLogin: true };
  if (error.kind === 'gone') return old.goneSince === null ? { ...old, goneSince: now } : old;
  if (error.kind === 'away') return { ...old, away: { since: old.away?.since ?? now, message: error.message } };
  return old;
}
