/** Feeds as a table. Pure. */
import type { FeedsView, FeedView } from '#gateway/operations/feeds.ts';
import type { CliContext } from '../context.ts';
import { count, dateTime, duration, UNKNOWN } from '../format.ts';
import { drawTable, type Cell } from '../table.ts';
import { plain } from '../text.ts';

type Screen = Pick<CliContext, 'terminal' | 'zone' | 'now'>;

const NONE =
  'No feeds are configured.\n\nhint: write one under `feeds` in headgate.yaml; docs/guides/exports.md has examples';

export function drawFeeds({ feeds }: FeedsView, { terminal, zone, now }: Screen): string {
  if (feeds.length === 0) return NONE;
  const columns = [
    { title: 'feed' },
    { title: 'kind', leaves: 3 },
    { title: 'to', leaves: 2 },
    { title: 'behind', right: true },
    { title: 'for', right: true },
    { title: 'sent', right: true, leaves: 1 },
    { title: 'refused', right: true },
    { title: 'lost', right: true },
    { title: 'last', leaves: 4 },
    { title: 'trouble', shrinkTo: 16 },
  ];
  const row = (feed: FeedView): Cell[] => {
    const { counts, behind, lost, oldestAt, sentAt, trouble } = feed;
    const bad = (value: number): Cell => (value > 0 ? { text: count(value), tone: terminal.paint.bad } : count(value));
    return [
      ...[plain(feed.name), feed.kind, plain(feed.host), count(behind)],
      oldestAt === null ? UNKNOWN : duration(Math.max(0, now() - Date.parse(oldestAt))),
      ...[count(counts.sent), bad(counts.refused), bad(lost)],
      sentAt === null ? UNKNOWN : dateTime(Date.parse(sentAt), zone),
      trouble === null ? '' : { text: plain(trouble), tone: terminal.paint.warn },
    ];
  };
  const { lines, left } = drawTable(
    { columns, rows: feeds.map(row) },
    { width: terminal.width, heading: terminal.paint.dim },
  );
  return [...lines, ...(left.length > 0 ? ['', `no room for: ${left.join(', ')}`] : [])].join('\n');
}
