import type { FeedService } from '#ports/feeds.ts';
import type { RemoteClient, Target } from './channel.ts';

export const FEEDS_TARGET = 'feeds';

/** Feeds that the thread of the stores reads and pushes. */
export const remoteFeeds = (client: RemoteClient): FeedService => ({
  use: async (feeds) => void (await client.call(FEEDS_TARGET, 'use', [feeds])),
  status: () => client.call(FEEDS_TARGET, 'status', []) as Promise<never>,
});

/** What the other thread serves under {@link FEEDS_TARGET}. */
export const feedsTarget = (feeds: FeedService): Target => ({
  use: (wanted: never) => feeds.use(wanted),
  status: () => feeds.status(),
});
