import { count } from '#kernel/format.ts';
import { Empty, Trouble, Waiting } from '../../parts/basics.tsx';
import { offsetIn, Pager } from '../../parts/pager.tsx';
import { plural } from '../../parts/text.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { LimitsTable } from './limits-table.tsx';
import { LEVELS, limitUses, type LimitUses } from './view.ts';

const PAGE = 50;
const NEAR = '0.8';

/** Who is near a limit now: every limit by the share of it that is taken. */
export function Limits() {
  const { place, ask } = useNavigation();
  const { tenant, level = '', least = '' } = place.asked;
  const offset = offsetIn(place.asked['offset']);
  const load = () => limitUses({ tenant, level, least, limit: PAGE, offset });
  const asked = useAsked(JSON.stringify(['limits', tenant, level, least, offset]), load);
  const { data } = asked;
  return (
    <>
      <header>
        <h1>Limits</h1>
        {data && <Answer of={data} />}
      </header>
      <div class="row" role="group" aria-label="Which limits">
        <button type="button" aria-pressed={least === ''} onClick={() => ask({ least: '', offset: '' })}>
          All
        </button>
        <button type="button" aria-pressed={least === NEAR} onClick={() => ask({ least: NEAR, offset: '' })}>
          Four fifths taken
        </button>
        <label class="field">
          <span>level</span>
          <select value={level} onChange={(event) => ask({ level: event.currentTarget.value, offset: '' })}>
            <option value="">any</option>
            {LEVELS.map((name) => (
              <option key={name} value={name}>
                {name.replace('_', ' ')}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Trouble asked={asked} />
      {data === null && <Waiting asked={asked} height={300} />}
      {data && data.limits === 0 && <None filtered={Boolean(tenant) || level !== ''} />}
      {data && data.limits > 0 && data.total === 0 && (
        <Empty title="Nobody is near a limit">Of no limit four fifths are taken.</Empty>
      )}
      {data && data.rows.length > 0 && <LimitsTable rows={data.rows} linked />}
      {data && (
        <Pager offset={offset} size={PAGE} total={data.total} onGo={(next) => ask({ offset: String(next || '') })} />
      )}
      {data && <Notes of={data} />}
    </>
  );
}

function Answer({ of: { limits, near, full, refused } }: { readonly of: LimitUses }) {
  const said =
    full > 0 ? (
      <strong class="bad">{count(full)} full</strong>
    ) : near > 0 ? (
      <strong class="warn">{count(near)} at four fifths or more</strong>
    ) : (
      'nobody is near one'
    );
  return (
    <p>
      {count(limits)} {plural(limits, 'limit')}; {said}
      {full > 0 && near > full && `, ${count(near - full)} more at four fifths`}
      {refused > 0 && `; ${count(refused)} ${plural(refused, 'call')} refused in the last hour`}.
    </p>
  );
}

const None = ({ filtered }: { readonly filtered: boolean }) => (
  <Empty
    title={filtered ? 'No such limits' : 'No limits'}
    command="npx headgate limits set --tenant acme --unit requests --window minute --limit 600"
  >
    {filtered
      ? 'Leave a filter out, or set one.'
      : 'Calls are bounded by the providers alone. A limit of requests, tokens or calls in flight is set on the command line, by the API or in headgate.yaml.'}
  </Empty>
);

function Notes({ of: { eachEndUser, leftOut } }: { readonly of: LimitUses }) {
  if (eachEndUser === 0 && leftOut === 0) return null;
  return (
    <p class="muted">
      {eachEndUser > 0 &&
        `${count(eachEndUser)} ${plural(eachEndUser, 'limit')} for each end user ${plural(eachEndUser, 'is', 'are')} not in this list: nobody lists end users. `}
      {leftOut > 0 && `${count(leftOut)} teams, features or keys were not looked at, for want of room.`}
    </p>
  );
}
