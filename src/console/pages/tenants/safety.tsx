import { count, share } from '#kernel/format.ts';
import { Given, Id, Time } from '../../parts/basics.tsx';
import { Part } from '../../parts/part.tsx';
import { Table } from '../../parts/table.tsx';
import { read } from '../../session/client.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { AuditTable, LeakTable } from '../isolation/isolation.tsx';
import type { CacheAuditView, Leaks } from '../isolation/view.ts';
import { Verdict } from './cells.tsx';
import type { QualityView } from './view.ts';

/** How well a tenant is served, and whether it is kept apart from others. */
export function Safety({ tenant }: { readonly tenant: string }) {
  return (
    <>
      <Quality tenant={tenant} />
      <Isolation tenant={tenant} />
    </>
  );
}

const MOST = 200;

interface Lines {
  readonly lines: readonly QualityView[];
  readonly leftOut: number;
}

function Quality({ tenant }: { readonly tenant: string }) {
  const load = async () => (await read('/quality', { tenant, limit: MOST })) as Lines;
  const asked = useAsked(JSON.stringify(['tenant quality', tenant]), load, { slow: true });
  return (
    <Part title="Quality" asked={asked} note="each feature and score against this tenant’s own past">
      {({ lines, leftOut }) =>
        lines.length === 0 ? (
          <p class="muted">
            No answer was scored in the last seven days. <code>POST /v1/headgate/scores</code> takes scores, and{' '}
            <code>quality.rules</code> of a feature makes some of each call.
          </p>
        ) : (
          <>
            <Table
              label="Quality"
              rows={lines}
              rowKey={({ feature, score, basis }) => JSON.stringify([feature, score, basis])}
              columns={[
                { title: 'feature', kind: 'name', cell: ({ feature }) => <Given text={feature} none="(none)" /> },
                { title: 'score', kind: 'name', cell: ({ score }) => <Given text={score} /> },
                { title: 'verdict', kind: 'tight', cell: (line) => <Verdict of={line} /> },
                { title: 'scored', kind: 'number', cell: ({ scored }) => count(scored.n) },
                { title: 'mean', kind: 'number', cell: ({ scored }) => share(scored.mean) },
                { title: 'before', kind: 'number', minor: true, cell: ({ past }) => share(past && past.mean) },
                { title: 'since', kind: 'number', minor: true, cell: ({ now }) => share(now && now.mean) },
                { title: 'evidence', kind: 'number', minor: true, cell: ({ evidence }) => evidenceText(evidence) },
                { title: 'basis', kind: 'name', minor: true, cell: ({ basis }) => <Given text={basis} /> },
              ]}
            />
            <p class="muted">
              {leftOut > 0 && `${count(leftOut)} more are left out. `}
              Evidence: while nothing changes, the chance that it ever reaches 20 is at most one in twenty.
            </p>
          </>
        )
      }
    </Part>
  );
}

/** As the command line says it. */
const evidenceText = (evidence: number): string =>
  evidence < 1 ? 'none' : evidence >= 1e6 ? '> 1 M' : evidence.toPrecision(2);

interface Found extends Leaks {
  readonly audits: readonly CacheAuditView[];
}

function Isolation({ tenant }: { readonly tenant: string }) {
  const { to } = useNavigation();
  const load = async (): Promise<Found> => {
    const [found, { audits }] = (await Promise.all([
      read('/leaks', { tenant }),
      read('/cache-audits', { tenant }),
    ])) as [Leaks, Pick<Found, 'audits'>];
    return { ...found, audits };
  };
  const asked = useAsked(JSON.stringify(['tenant isolation', tenant]), load, { slow: true });
  return (
    <Part
      title="Isolation"
      asked={asked}
      note="leaks and audits of caches in which it stands on either side"
      side={<a href={to('isolation')}>Of all tenants</a>}
    >
      {({ watch, leaks, audits }) => (
        <>
          {leaks.length + audits.length === 0 && (
            <p class="muted">
              {watch.action === 'off'
                ? 'No answer is read for texts of other tenants (leakWatch is off)'
                : 'No answer held a text of it or of another, of what is watched'}
              , and no audit named it.
            </p>
          )}
          {audits.length > 0 && <AuditTable audits={audits} />}
          {leaks.length > 0 && <LeakTable watch={watch} leaks={leaks} />}
        </>
      )}
    </Part>
  );
}

interface ChangeLine {
  readonly id: string;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
}

export const changesOf = async (tenant: string): Promise<readonly ChangeLine[]> =>
  ((await read('/audit', { tenant, limit: 10 })) as { entries: readonly ChangeLine[] }).entries;

export const ChangesTable = ({ rows }: { readonly rows: readonly ChangeLine[] }) => (
  <Table
    label="Recent changes"
    rows={rows}
    rowKey={({ id }) => id}
    columns={[
      { title: 'time', kind: 'tight', cell: ({ at }) => <Time at={at} /> },
      { title: 'who', kind: 'name', cell: ({ actor }) => <Given text={actor} /> },
      { title: 'what', kind: 'tight', cell: ({ action }) => <Given text={action} /> },
      { title: 'subject', kind: 'tight', cell: ({ subject }) => <Id id={subject} /> },
    ]}
  />
);
