import { useState } from 'preact/hooks';
import { count, duration } from '#kernel/format.ts';
import { kib, NOBODY } from '#cli/streams/words.ts';
import { Copy, Empty, Given, Id, Panel } from '../../parts/basics.tsx';
import { ActionForm, Dialog } from '../../parts/dialog.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { plain, plural } from '../../parts/text.ts';
import { change } from '../../session/client.ts';
import { useWho } from '../../session/who.ts';
import { pathOf, toPage } from '../../state/place.ts';
import { useConnection } from '../../state/connection.ts';
import { useNavigation } from '../../state/use-place.ts';
import { worstFirst, type LiveStreamsView, type LiveStreamView } from './view.ts';

/** Rows before somebody asks for all of them: what ended stands below. */
const FEW = 10;

interface LiveProps {
  readonly view: LiveStreamsView;
  readonly again: () => void;
}

/** Streams of this process that go on. The stream that is to end is kept here: its row may go while somebody reads. */
export function LiveStreams({ view, again }: LiveProps) {
  const { place, go } = useNavigation();
  const { may } = useWho();
  const [all, setAll] = useState(false);
  const [ending, setEnding] = useState<LiveStreamView | null>(null);
  const [ended, setEnded] = useState<LiveStreamView | null>(null);
  const streams = worstFirst(view.streams);
  const shown = all ? streams : streams.slice(0, FEW);
  const close = (): void => setEnding(null);
  return (
    <Panel title="Going on" note={noteOf(view)}>
      {streams.length === 0 ? (
        <Nothing others={view.callsInFlight ?? 0} />
      ) : (
        <Table
          label="Streams that go on"
          rows={shown}
          rowKey={({ id }) => id}
          onOpen={({ id }) => go(toPage(place, pathOf('calls', id)))}
          columns={may('POST /admin/streams/:call/cancel') ? [...COLUMNS, endColumn(setEnding)] : COLUMNS}
        />
      )}
      {streams.length > FEW && (
        <p class="row">
          <button type="button" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? `Show ${FEW} alone` : `Show all ${count(streams.length)}`}
          </button>
          {view.leftOut > 0 && <span class="muted">{count(view.leftOut)} more are left out of this list</span>}
        </p>
      )}
      <p role="status" hidden={ended === null}>
        {ended && (
          <>
            <span class="ok">✓ ended</span> <Id id={ended.id} /> of tenant <Given text={ended.tenant} /> after{' '}
            {count(ended.events)} {plural(ended.events, 'event')}. Its entry follows in a second or two.
          </>
        )}
      </p>
      {ending && (
        <EndDialog
          stream={ending}
          onClose={close}
          onEnded={(stream) => {
            setEnded(stream);
            close();
            again();
          }}
        />
      )}
    </Panel>
  );
}

function noteOf({ streams, leftOut, callsInFlight, logBytes }: LiveStreamsView): string {
  const others = (callsInFlight ?? 0) - streams.length - leftOut;
  const words = [
    ...(streams.length > 0 ? [`logs ${kib(logBytes)}`, 'read by nobody first, then the oldest'] : []),
    ...(streams.length > 0 && others > 0 ? [`${count(others)} further calls in flight`] : []),
  ];
  return words.join(' · ');
}

const COLUMNS: readonly Column<LiveStreamView>[] = [
  { title: 'call', kind: 'tight', cell: ({ id }) => <CallLink id={id} /> },
  { title: 'tenant', kind: 'name', cell: ({ tenant }) => <Given text={tenant} /> },
  { title: 'feature', kind: 'name', minor: true, cell: ({ feature }) => <Given text={feature} /> },
  { title: 'model', kind: 'name', minor: true, cell: ({ model }) => <Given text={model} /> },
  { title: 'protocol', kind: 'tight', minor: true, cell: ({ protocol }) => protocol },
  { title: 'client', kind: 'name', minor: true, cell: ({ client }) => <Given text={client} /> },
  { title: 'age', kind: 'number', cell: ({ ageMs }) => duration(ageMs) },
  { title: 'events', kind: 'number', minor: true, cell: ({ events }) => count(events) },
  { title: 'log', kind: 'number', minor: true, cell: ({ logBytes }) => kib(logBytes) },
  {
    title: 'readers',
    kind: 'number',
    cell: ({ readers }) => (readers === 0 ? <span class="warn">{NOBODY}</span> : count(readers)),
  },
  { title: 'came back', kind: 'number', minor: true, cell: ({ resumes }) => count(resumes) },
];

const endColumn = (end: (stream: LiveStreamView) => void): Column<LiveStreamView> => ({
  title: 'end it',
  kind: 'tight',
  hidden: true,
  cell: (stream) => (
    <button type="button" onClick={() => end(stream)} aria-label={`End stream ${stream.id}`}>
      End …
    </button>
  ),
});

function CallLink({ id }: { readonly id: string }) {
  const { to } = useNavigation();
  return (
    <a href={to(pathOf('calls', id))} tabIndex={-1}>
      <Id id={id} />
    </a>
  );
}

interface EndProps {
  readonly stream: LiveStreamView;
  readonly onEnded: (stream: LiveStreamView) => void;
  readonly onClose: () => void;
}

function EndDialog({ stream, onEnded, onClose }: EndProps) {
  const { id, tenant, model, feature, client, readers, events, ageMs } = stream;
  const end = async (): Promise<void> =>
    onEnded((await change('POST', `/streams/${encodeURIComponent(id)}/cancel`)) as LiveStreamView);
  return (
    <Dialog title="End this stream" onClose={onClose}>
      <ActionForm verb="End stream" danger act={end} onClose={onClose}>
        <dl class="facts">
          <dt>call</dt>
          <dd>
            <code>{plain(id)}</code>
          </dd>
          <dt>whose</dt>
          <dd>
            <Given text={tenant} />, feature <Given text={feature} none="none" />, client{' '}
            <Given text={client} none="unknown" />
          </dd>
          <dt>model</dt>
          <dd>
            <Given text={model} />
          </dd>
          <dt>so far</dt>
          <dd>
            {count(events)} {plural(events, 'event')} in {duration(ageMs)}
          </dd>
        </dl>
        <p>
          Its provider is told at once, and what it has made is billed. {readersText(readers)} that it was cancelled,
          and nobody can read on. Its entry and the audit say that an operator did it. This cannot be taken back.
        </p>
      </ActionForm>
    </Dialog>
  );
}

const readersText = (readers: number): string =>
  readers === 0
    ? 'Whoever comes back is told'
    : `Its ${readers === 1 ? 'reader is' : `${count(readers)} readers are`} told`;

function Nothing({ others }: { readonly others: number }) {
  const { status } = useConnection();
  const model = status?.models.find((name) => !name.includes('*')) ?? 'MODEL';
  const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Count to a hundred.' }] });
  const command = [
    `curl -N ${location.origin}/v1/chat/completions`,
    `-H "authorization: Bearer $HEADGATE_KEY" -H 'content-type: application/json'`,
    `-H 'x-headgate-resume: true' -d '${body}'`,
  ].join(' \\\n  ');
  return (
    <Empty title="No stream with a log goes on">
      A stream has a log, stands here and can be read again where its call says <code>x-headgate-resume: true</code>,
      where its feature has <code>resume: true</code> in headgate.yaml, or where it goes out over WebSocket or gRPC.
      {others > 0 && ` ${count(others)} ${plural(others, 'call is', 'calls are')} in flight without one.`}
      <details>
        <summary>A call that stands here</summary>
        <div class="row">
          <pre class="block">{command}</pre>
          <Copy text={command} what="the command" />
        </div>
      </details>
    </Empty>
  );
}
