import { iso } from '#kernel/clock.ts';
import type { FeedCounts, FeedKind, FeedStatus } from '#ports/feeds.ts';
import { route, type AdminRoute } from '#capabilities/tenants/routes.ts';
import type { Gate } from '../gate.ts';

/** Times are ISO 8601. */
export interface FeedView extends Pick<FeedStatus, 'name' | 'host' | 'behind' | 'lost' | 'trouble'> {
  readonly kind: FeedKind;
  /** Admission of the oldest entry that the receiver has not; null: it has all. */
  readonly oldestAt: string | null;
  readonly sentAt: string | null;
  /** Since the start of the gate. */
  readonly counts: Readonly<FeedCounts>;
}

export interface FeedsView {
  readonly report: 'feeds';
  readonly feeds: readonly FeedView[];
}

const isoOrNull = (at: number | null): string | null => (at === null ? null : iso(at));

const feedView = ({ seq: _, oldestAt, sentAt, ...feed }: FeedStatus): FeedView => ({
  ...feed,
  oldestAt: isoOrNull(oldestAt),
  sentAt: isoOrNull(sentAt),
});

/** Who is told of entries, how far behind they are, and what is wrong. */
export const feedRoutes = ({ gate }: { readonly gate: Gate }): AdminRoute[] => [
  route('GET /admin/feeds', {
    tag: 'ledger',
    summary: 'Feeds of the ledger: where they go, how far behind they are, and what is wrong',
    run: async (): Promise<FeedsView> => ({ report: 'feeds', feeds: (await gate.feeds.status()).map(feedView) }),
  }),
];
