/** What `headgate now`, its JSON and the console say of this moment. Money is decimal dollars, times are ISO 8601. */
import type { ChangeLine } from './core/changes.ts';
import type { FailingWay } from './core/failing.ts';
import type { Judged } from './core/hurt.ts';
import type { QualityLine } from '#capabilities/tenants/index.ts';
import type { AlertLine } from './core/alert-findings.ts';
import type { LeakLine } from './core/leak-findings.ts';
import type { LostStreams } from './core/lost-streams.ts';

export interface NowReport {
  readonly report: 'now';
  readonly at: string;
  readonly window: { readonly from: string; readonly to: string };
  /** What the window is compared with. */
  readonly usual: { readonly from: string; readonly to: string };
  /** `store`: no gate is running, and what only a gate knows is among `unknown`. */
  readonly source: 'gate' | 'store';
  /** `trouble`: something is bad; `warned`: something wants an eye; `calm`: neither. */
  readonly verdict: 'calm' | 'warned' | 'trouble';
  /** The worst first. */
  readonly findings: readonly NowFinding[];
  /** Null: not known. */
  readonly totals: NowTotals | null;
  readonly changes: readonly ChangeLine[] | null;
  readonly hurt: Judged | null;
  /** Groups of which more streams are lost than usual, the dearest first. */
  readonly streams: readonly LostStreams[] | null;
  readonly failing: readonly FailingDeployment[] | null;
  /** Tenants whose answers became worse; null: no gate is running. */
  readonly quality: readonly QualityLine[] | null;
  /** Rules that fire; null: no gate is running. */
  readonly alerts: readonly AlertLine[] | null;
  /** Answers that held a text of another tenant. */
  readonly leaks: readonly LeakLine[] | null;
  /** Newest calls whose attempts were looked at; null: counted by the node itself. */
  readonly sampledCalls: number | null;
  readonly refusals: readonly RefusalLine[] | null;
  /** Near their limit or over it. */
  readonly budgets: readonly BudgetLine[] | null;
  /** Nearly used, or refusing calls. */
  readonly limits: readonly LimitUseLine[] | null;
  readonly node: NodeFacts | null;
  readonly drains: readonly DrainLine[] | null;
  /** What could not be told, and why. */
  readonly unknown: readonly string[];
}

export interface NowFinding {
  readonly grade: 'bad' | 'warn';
  readonly about:
    | 'alert'
    | 'provider'
    | 'calls'
    | 'streams'
    | 'refusals'
    | 'budget'
    | 'limit'
    | 'gate'
    | 'configuration'
    | 'drain'
    | 'leak'
    | 'quality';
  readonly text: string;
  /** What it rests on, a line each. */
  readonly evidence: readonly string[];
  /** Commands, the first first. */
  readonly next: readonly string[];
}

export interface NowTotals {
  readonly calls: number;
  readonly failed: number;
  /** Share of the calls of the week before; null: there were too few. */
  readonly usualFailed: number | null;
  readonly costUsd: string;
  readonly unknownCostCalls: number;
}

export interface FailingDeployment {
  readonly deployment: string;
  readonly provider: string;
  /** Attempts that were looked at, also such as a fallback has saved. */
  readonly attempts: number;
  readonly failed: number;
  readonly ways: readonly FailingWay[];
  /** From when failures became more frequent, and what they are since then; null: no minute stands out. */
  readonly since: { readonly at: string; readonly attempts: number; readonly failed: number } | null;
}

export interface RefusalLine {
  readonly code: string;
  readonly tenant: string | null;
  readonly count: number;
}

export interface BudgetLine {
  readonly id: string;
  /** `tenant acme`. */
  readonly whose: string;
  readonly limitUsd: string;
  readonly spentUsd: string;
  readonly reservedUsd: string;
  /** Share of the limit that is spent or held. */
  readonly used: number;
  /** At the pace of the window; null: nothing was spent in it, or it is not known. */
  readonly usdPerHour: string | null;
  /** At that pace; null: not at all, or not known. */
  readonly emptyInMs: number | null;
}

export interface LimitUseLine {
  readonly id: string;
  /** `tenant acme`. */
  readonly whose: string;
  /** `input tokens a day`. */
  readonly what: string;
  readonly most: number;
  /** Share that is used or reserved; null: it is one for each of many. */
  readonly used: number | null;
  /** Calls that it refused in the window, of the last hour at most. */
  readonly refused: number;
}

export interface NodeFacts {
  readonly startedAt: string;
  readonly version: string;
  readonly ready: boolean;
  readonly draining: boolean;
  readonly inFlight: number;
  readonly unshippedCalls: number;
  readonly oldestUnshippedMs: number | null;
  readonly diskFull: boolean;
  readonly lostRecords: number;
  readonly stateFrom: 'store' | 'snapshot';
  readonly lateChanges: number;
  /** Captures of calls' text: rules that run, and calls that were not kept since the start. */
  readonly captures: {
    readonly running: number;
    readonly notKept: number;
    readonly isFull: boolean;
    readonly trouble: string | null;
  };
}

export interface DrainLine {
  readonly id: string;
  readonly level: string;
  readonly target: string;
  readonly reason: string;
  readonly actor: string;
  readonly until: string;
}
