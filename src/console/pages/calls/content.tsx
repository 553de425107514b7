import { useState } from 'preact/hooks';
import { Panel, Time } from '../../parts/basics.tsx';
import { plain } from '../../parts/text.ts';
import { read } from '../../session/client.ts';
import { useAction } from '../../state/use-action.ts';
import type { CallContentView } from './view.ts';

/** Text of a caller, line by line: never markup, and nothing in it turns the direction of the page. */
const lines = (text: string): string => text.split('\n').map(plain).join('\n');

const pretty = (text: string): string => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // An answer that was cut, or no JSON.
    return text;
  }
};

type Attempt = CallContentView['attempts'][number];

function answerText(answer: Attempt['answer']): string {
  if (answer.kind === 'text') return pretty(answer.text);
  const blocks = answer.blocks.map(({ kind, name, text }) =>
    kind === 'text' ? text : `(${kind} ${name ?? ''}) ${text}`,
  );
  const end = answer.complete ? '' : '\n(the stream did not come to its end)';
  return blocks.join('\n\n') + end + (answer.error === null ? '' : `\nerror: ${answer.error}`);
}

/** Behind a button, since each reading stands in the audit. */
export function Content({ id }: { readonly id: string }) {
  const [content, setContent] = useState<CallContentView | null>(null);
  const { busy, refused, run } = useAction();
  const show = (): Promise<boolean> =>
    run(async () => setContent((await read(`/calls/${encodeURIComponent(id)}/content`)) as CallContentView));
  return (
    <Panel title="Captured text" note="what was sent and answered, redacted, as far as a capture has kept it">
      {content === null ? (
        <p class="row">
          <button type="button" disabled={busy} onClick={() => void show()}>
            Show text
          </button>
          <span class="muted">The reading is noted in the audit.</span>
          {refused !== null && (
            <span class="warn" role="alert">
              {plain(refused)}
            </span>
          )}
        </p>
      ) : (
        <Shown content={content} />
      )}
    </Panel>
  );
}

function Shown({ content }: { readonly content: CallContentView }) {
  const { client, attempts, expiresAt } = content;
  return (
    <>
      <p class="muted">
        Kept until <Time at={expiresAt} />.
      </p>
      <Part title={`As the client sent it (${content.dialect})`} text={pretty(client.text)} cut={client.cut} open />
      {attempts.map((attempt) => (
        <div key={attempt.n}>
          <Part
            title={`Attempt ${attempt.n} as it was sent to ${plain(attempt.deployment)} (${attempt.dialect})`}
            text={attempt.request.text === client.text ? 'the same bytes' : pretty(attempt.request.text)}
            cut={attempt.request.cut}
          />
          <Part
            title={`Answer of attempt ${attempt.n}${attempt.status === null ? '' : `, status ${attempt.status}`}`}
            text={answerText(attempt.answer)}
            cut={attempt.answer.cut}
            open
          />
        </div>
      ))}
    </>
  );
}

interface PartProps {
  readonly title: string;
  readonly text: string;
  readonly cut: boolean;
  readonly open?: boolean;
}

const Part = ({ title, text, cut, open = false }: PartProps) => (
  <details open={open}>
    <summary>{title}</summary>
    <pre class="block">
      {lines(text)}
      {cut ? '\n… cut here: more is not kept' : ''}
    </pre>
  </details>
);
