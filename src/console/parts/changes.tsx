import { read } from '../session/client.ts';
import { useWho } from '../session/who.ts';
import { useAsked } from '../state/use-asked.ts';
import { Given, Id, Panel, Time } from './basics.tsx';
import { Table } from './table.tsx';
import { detailWords } from './detail-words.ts';

interface AuditLine {
  readonly id: string;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly tenant: string | null;
  readonly detail: unknown;
}

const MOST = 100;
const SHOWN = 10;

/** Who changed what of late, from the audit. */
export function Changes(props: Props) {
  return useWho().may('GET /admin/audit') ? <Lines {...props} /> : null;
}

interface Props {
  readonly of: 'key' | 'budget' | 'token';
  readonly seen: number;
}

function Lines({ of, seen }: Props) {
  const load = async () => ((await read('/audit', { limit: MOST })) as { entries: readonly AuditLine[] }).entries;
  const { data } = useAsked(`audit ${seen}`, load, { slow: true });
  const lines = data?.filter(({ action }) => action.startsWith(`${of}.`)).slice(0, SHOWN) ?? [];
  if (lines.length === 0) return null;
  return (
    <Panel title="Recent changes" note="from the audit">
      <Table
        label="Recent changes"
        rows={lines}
        rowKey={({ id }) => id}
        columns={[
          { title: 'time', kind: 'tight', cell: ({ at }) => <Time at={at} /> },
          { title: 'who', kind: 'tight', cell: ({ actor }) => <Given text={actor} /> },
          { title: 'what', kind: 'tight', cell: ({ action }) => <Given text={action} /> },
          { title: 'subject', kind: 'tight', cell: ({ subject }) => <Id id={subject} /> },
          { title: 'tenant', kind: 'name', cell: ({ tenant }) => <Given text={tenant} none="operator" /> },
          { title: 'detail', kind: 'wide', cell: ({ detail }) => <Given text={detailWords(detail)} none="" /> },
        ]}
      />
    </Panel>
  );
}
