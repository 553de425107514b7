import type { ComponentChildren } from 'preact';
import type { Asked } from '../state/use-asked.ts';
import { Panel, Trouble, Waiting } from './basics.tsx';

interface PartProps<T> {
  readonly title: string;
  readonly note?: ComponentChildren | ((data: T) => ComponentChildren);
  readonly side?: ComponentChildren;
  readonly asked: Asked<T>;
  readonly height?: number;
  readonly children: (data: T) => ComponentChildren;
}

/** A panel with a question of its own: what fails fails alone, and what a token does not open is not there. */
export function Part<T>({ title, note, side, asked, height = 80, children }: PartProps<T>) {
  const { data, error } = asked;
  if (error?.code === 'forbidden') return null;
  const said = typeof note === 'function' ? (data === null ? '' : note(data)) : note;
  return (
    <Panel title={title} note={said} side={side}>
      <Trouble asked={asked} />
      {data === null ? <Waiting asked={asked} height={height} /> : children(data)}
    </Panel>
  );
}
