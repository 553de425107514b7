import type { FeedState } from './ledger-store.ts';

export const FEED_KINDS = ['openmeter', 'lago', 'webhook'] as const;
export type FeedKind = (typeof FEED_KINDS)[number];

/** A feed as it runs: secrets read. */
export interface Feed {
  readonly name: string;
  readonly kind: FeedKind;
  readonly url: string;
  readonly secret: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Null: all. */
  readonly tenants: readonly string[] | null;
  /** `type` of a CloudEvent, `code` of a billable metric. */
  readonly code: string;
  /** Events of one request at most. */
  readonly batch: number;
  readonly allowPrivate: boolean;
  readonly timeoutMs: number;
}

/** What a feed has done since the start. */
export interface FeedCounts {
  /** Events that the receiver has taken, those that it had already among them. */
  sent: number;
  requests: number;
  /** Requests that brought nothing: to be sent again. */
  failures: number;
  /** Events that the receiver refuses for good: passed over, and in the log. */
  refused: number;
}

/** What of a feed is known: its place in the store, and what its reader did since the start. */
export interface FeedStatus extends FeedState {
  readonly kind: FeedKind;
  /** Host alone: a path may be a credential. */
  readonly host: string;
  readonly counts: Readonly<FeedCounts>;
  /** Why the last request did not bring its events; null: it did. */
  readonly trouble: string | null;
  /** Wall clock of the last events that were taken; null: none were since the start. */
  readonly sentAt: number | null;
}

/** What pushes entries to others, beside the calls. */
export interface FeedService {
  /** Takes the feeds of a configuration; those that stay as they are go on. Rejects where the store is away. */
  use(feeds: readonly Feed[]): Promise<void>;
  status(): Promise<readonly FeedStatus[]>;
}
