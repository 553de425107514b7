import { z } from 'zod';
import { targetHeaders, targetName, targetPrivate, targetUrl } from '../push-target.ts';
import { FEED_KINDS } from '#ports/feeds.ts';
import { duration, secret } from '#kernel/config/primitives.ts';

/** Each reads every entry. */
const MOST_FEEDS = 8;
/** What Lago takes of one request (`LAGO_EVENTS_BATCH_MAX_LENGTH`). */
export const MOST_LAGO_BATCH = 100;

const feed = z
  .strictObject({
    kind: z
      .enum(FEED_KINDS)
      .describe('`openmeter`: CloudEvents 1.0 in batches. `lago`: its batches of events. `webhook`: signed messages.'),
    url: targetUrl.describe(
      'Where events go, path and all (`…/api/v1/events`, `…/api/v1/events/batch`), or a reference of it.',
    ),
    secret: secret()
      .optional()
      .describe('Token of OpenMeter or Lago; of a webhook the key of its signature (`whsec_…`).'),
    headers: targetHeaders,
    tenants: z
      .array(z.string().min(1).max(128))
      .min(1)
      .max(1_000)
      .optional()
      .describe('Entries of these alone; absent: of all.'),
    code: z
      .string()
      .min(1)
      .max(128)
      .default('headgate.call')
      .describe('`type` of the CloudEvents, `code` of the billable metric in Lago.'),
    batch: z.number().int().min(1).max(1_000).default(100).describe('Events of one request at most; Lago takes 100.'),
    private: targetPrivate,
    timeout: duration({ min: '100ms', max: '2m' }).default(10_000).describe('Of one request; then it is sent again.'),
  })
  .refine(({ kind, batch }) => kind !== 'lago' || batch <= MOST_LAGO_BATCH, {
    path: ['batch'],
    message: `is at most ${MOST_LAGO_BATCH} for lago`,
  });

/** Section of headgate.yaml. Absent: nothing is kept for feeds. */
export const feedsSection = {
  feeds: z
    .record(targetName, feed)
    .refine((all) => Object.keys(all).length <= MOST_FEEDS, { message: `has at most ${MOST_FEEDS} entries` })
    .default({})
    .describe(
      'Entries of the ledger, pushed to others as they are stored, each at least once. A new feed begins now; one that is taken out forgets its place.',
    ),
};

export type FeedSettings = z.output<typeof feed>;
