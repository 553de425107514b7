/** Small parts that every page uses. Text from outside is a child of an element, never markup. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { shortId } from '#kernel/ids.ts';
import { Refusal } from '../session/client.ts';
import type { Asked } from '../state/use-asked.ts';
import { zone } from '../state/questions.ts';
import { iso, moment, plain } from './text.ts';

type Children = { readonly children?: ComponentChildren };

/** Text from outside: its own direction stays inside it. */
export const Given = ({ text, none = '–' }: { readonly text: string | null; readonly none?: string }) =>
  text === null ? <span class="muted">{none}</span> : <bdi>{plain(text)}</bdi>;

export const Time = ({ at }: { readonly at: number | string }) => (
  <time dateTime={new Date(at).toISOString()} title={iso(at)}>
    {moment(new Date(at).getTime(), zone(), Date.now())}
  </time>
);

/** Short where people read, whole where they copy. */
export function Id({ id }: { readonly id: string }) {
  return (
    <code title={id}>
      <bdi>{plain(shortId(id))}</bdi>
    </code>
  );
}

export function Copy({ text, what }: { readonly text: string; readonly what: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <button type="button" onClick={() => void copy()} aria-label={`Copy ${what}`}>
      {copied ? 'Copied' : 'Copy'}
    </button>
  );
}

interface PanelProps extends Children {
  readonly title: string;
  readonly note?: ComponentChildren;
  readonly side?: ComponentChildren;
}

export function Panel({ title, note, side, children }: PanelProps) {
  return (
    <section class="panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {note && <span class="muted">{note}</span>}
        {side}
      </header>
      {children}
    </section>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
  readonly tone?: 'ok' | 'warn' | 'bad' | undefined;
}

export const Figures = ({ children }: Children) => <dl class="figures">{children}</dl>;

export const Figure = ({ name, value, note, tone }: FigureProps) => (
  <div class="figure">
    <dt>{name}</dt>
    <dd>
      <div class={`value ${tone ?? ''}`}>{value}</div>
      <div class="note">{note ?? '\u00a0'}</div>
    </dd>
  </div>
);

interface EmptyProps extends Children {
  readonly title: string;
  /** The command that makes something appear here. */
  readonly command?: string;
}

export const Empty = ({ title, command, children }: EmptyProps) => (
  <div class="empty">
    <h3>{title}</h3>
    {children && <div>{children}</div>}
    {command && (
      <div class="row">
        <pre>{command}</pre>
        <Copy text={command} what="the command" />
      </div>
    )}
  </div>
);

/** What failed, and a way to try again. Gone, away and login are the frame's to say. */
export function Trouble({ asked }: { readonly asked: Pick<Asked<unknown>, 'error' | 'again'> }) {
  const { error, again } = asked;
  if (!(error instanceof Refusal) || error.kind === 'login' || error.kind === 'gone') return null;
  return (
    <div class="empty" role="alert">
      <div>
        <strong class="bad">{error.kind === 'away' ? 'The store is away' : 'This could not be read'}</strong>:{' '}
        {plain(error.message)} <code>{error.code}</code>
      </div>
      <div>
        <button type="button" onClick={again}>
          Try again
        </button>
      </div>
    </div>
  );
}

interface WaitingProps {
  readonly asked: Pick<Asked<unknown>, 'error'>;
  readonly height: number;
}

/** Keeps the room of what is coming; where it cannot come, what stands above says why. */
export const Waiting = ({ asked, height }: WaitingProps) =>
  asked.error === null ? (
    <p class="muted" style={{ minHeight: `${height}px` }} role="status">
      Reading …
    </p>
  ) : null;

export function Outcome({ status, text }: { readonly status: string; readonly text: string }) {
  const tone = status === 'ok' ? 'ok' : status === 'cancelled' ? 'warn' : 'bad';
  return <span class={tone}>{plain(text)}</span>;
}
