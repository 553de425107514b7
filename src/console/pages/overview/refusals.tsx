import { count } from '#kernel/format.ts';
import { Panel, Time } from '../../parts/basics.tsx';
import { Table } from '../../parts/table.tsx';
import { useConnection } from '../../state/connection.ts';

/** Calls that were turned away before they were admitted: they have no entry, so that no sum above knows them. */
export function Refusals() {
  const { status } = useConnection();
  const rows = Object.entries(status?.refusals ?? {}).sort(([, a], [, b]) => b - a);
  if (status === null || rows.length === 0) return null;
  return (
    <Panel
      title="Refused before admission"
      note={
        <>
          by this process since <Time at={status.startedAt} />; no entry, no cost
        </>
      }
    >
      <Table
        label="Refused before admission"
        rows={rows}
        rowKey={([code]) => code}
        columns={[
          { title: 'error code', kind: 'wide', cell: ([code]) => <code>{code}</code> },
          { title: 'calls', kind: 'number', cell: ([, calls]) => count(calls) },
        ]}
      />
    </Panel>
  );
}
