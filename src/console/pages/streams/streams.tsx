import { count, dateTime, share, windowLength } from '#kernel/format.ts';
import { endedAs, moneyOf } from '#cli/streams/words.ts';
import { Trouble, Waiting } from '../../parts/basics.tsx';
import { plural } from '../../parts/text.ts';
import { read } from '../../session/client.ts';
import { spanOf } from '../../state/place.ts';
import { zone } from '../../state/questions.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { LiveStreams } from './live.tsx';
import { Ended, EndedByGroup } from './report.tsx';
import { dimensionsIn, filtersIn, type LiveStreamsView, type StreamsReport } from './view.ts';

/** The admin API gives no more at once. */
const MOST_LIVE = 1_000;
const MOST_GROUPS = 200;

/** Which streams go on, which ended badly, and what was paid for them in vain. */
export function Streams() {
  const { place } = useNavigation();
  const by = dimensionsIn(place.asked['by']);
  const filters = filtersIn(place.asked);
  const tenant = place.asked['tenant'];
  const live = useAsked(
    `live ${tenant ?? ''}`,
    async () => (await read('/streams', { limit: MOST_LIVE, tenant })) as LiveStreamsView,
  );
  const report = useAsked(
    JSON.stringify([place.window, by, filters]),
    async () => {
      const { from, to } = spanOf(place.window, Date.now());
      const query = { ...filters, from, to, by: by.join(','), limit: MOST_GROUPS };
      return (await read('/streams/report', query)) as StreamsReport;
    },
    { slow: true },
  );
  return (
    <>
      <header>
        <h1>Streams</h1>
        <p>
          {live.data && <LiveWords view={live.data} />} {report.data && <EndedWords report={report.data} />}
        </p>
      </header>
      <Trouble asked={report} />
      {report.data && <Ended report={report.data} />}
      <Trouble asked={live} />
      {live.data === null ? <Waiting asked={live} height={120} /> : <LiveStreams view={live.data} again={live.again} />}
      {report.data === null ? <Waiting asked={report} height={400} /> : <EndedByGroup report={report.data} />}
    </>
  );
}

function LiveWords({ view: { streams, leftOut } }: { readonly view: LiveStreamsView }) {
  const running = streams.length + leftOut;
  const unread = streams.filter(({ readers }) => readers === 0).length;
  return (
    <>
      {running === 0
        ? 'No stream with a log goes on'
        : `${count(running)} ${plural(running, 'stream goes', 'streams go')} on`}
      {unread > 0 && (
        <>
          , <strong class="warn">{count(unread)} read by nobody</strong>
        </>
      )}
      .
    </>
  );
}

function EndedWords({ report: { window, total } }: { readonly report: StreamsReport }) {
  const [from, to] = [Date.parse(window.from), Date.parse(window.to)];
  const span = `${windowLength(to - from)} to ${dateTime(to, zone())} ${zone()}`;
  if (total.all.streams === 0) return <>None ended in {span}.</>;
  const { whole } = endedAs(total.endings);
  const lost = total.wasted.streams;
  return (
    <>
      Of {count(total.all.streams)} that ended in {span}, {count(whole)} became whole
      {lost === 0 ? (
        ' and none was lost against its caller’s will.'
      ) : (
        <>
          {' '}
          and{' '}
          <strong class="bad">
            {count(lost)} ({share(lost / total.all.streams)}) were lost
          </strong>{' '}
          against their callers’ will: {moneyOf(total.wasted)} paid in vain.
        </>
      )}
    </>
  );
}
