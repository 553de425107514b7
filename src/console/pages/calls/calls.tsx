import { count, dateTime, windowLength } from '#kernel/format.ts';
import { Empty, Trouble, Waiting } from '../../parts/basics.tsx';
import { plural } from '../../parts/text.ts';
import { spanOf } from '../../state/place.ts';
import { callList, zone } from '../../state/questions.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { CallsTable } from './calls-table.tsx';
import { asQuery, CallFilters, filtersIn } from './filters.tsx';

const PAGE = 100;

/** Calls, newest first. Live, the newest appear as they settle; an older page stays as it is. */
export function Calls() {
  const { place, ask } = useNavigation();
  const { before = '' } = place.asked;
  const key = JSON.stringify([place.window, filtersIn(place.asked), before]);
  const load = async () => {
    const span = spanOf(place.window, Date.now() + 1);
    const calls = await callList({ ...asQuery(place.asked), ...span, limit: PAGE, ...(before && { before }) });
    return { calls, span };
  };
  const asked = useAsked(key, load, { once: before !== '' });
  const { data } = asked;
  return (
    <>
      <header>
        <h1>Calls</h1>
        {data && (
          <p>
            {data.calls.length === PAGE
              ? `The newest ${PAGE} calls`
              : `${count(data.calls.length)} ${plural(data.calls.length, 'call')}`}
            {before !== '' ? ' before the page above' : ''} in {windowLength(data.span.to - data.span.from)} to{' '}
            {dateTime(data.span.to, zone(), { seconds: true })} {zone()}.
            <span class="muted"> A call is listed once it has settled.</span>
          </p>
        )}
      </header>
      <CallFilters />
      <Trouble asked={asked} />
      {data === null ? (
        <Waiting asked={asked} height={400} />
      ) : data.calls.length === 0 ? (
        <None />
      ) : (
        <CallsTable label="Calls" calls={data.calls} />
      )}
      {data && (
        <div class="row">
          {before !== '' && (
            <button type="button" onClick={() => ask({ before: '' })}>
              Newest
            </button>
          )}
          {data.calls.length === PAGE && (
            <button type="button" onClick={() => ask({ before: data.calls.at(-1)!.id })}>
              Older
            </button>
          )}
        </div>
      )}
    </>
  );
}

function None() {
  const { place } = useNavigation();
  const filtered = Object.keys(filtersIn(place.asked)).length > 0;
  return (
    <Empty
      title={filtered ? 'No call matches' : 'No calls in this window'}
      {...(!filtered && { command: 'npx headgate demo --calls 200' })}
    >
      {filtered
        ? 'Leave a filter out or choose a longer window. Names are matched whole.'
        : 'Each call that passes the gate is a row here. Send one, run the demo, or choose a longer window.'}
    </Empty>
  );
}
