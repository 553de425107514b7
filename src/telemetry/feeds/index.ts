/** Feeds: entries of the ledger, pushed to OpenMeter, Lago or a webhook as they are stored, each at least once. */
export { Feeds, type FeedsParts } from './feeds.ts';
