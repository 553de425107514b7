import type { LiveStreamsView, LiveStreamView } from '#gateway/operations/streams.ts';
import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { drawLive } from './draw-live.ts';

export async function live(this: CliContext, flags: CommonFlags): Promise<void> {
  const client = await connect(this, flags);
  const answer = (await client.ask('GET', '/streams')) as LiveStreamsView;
  show(this, { json: flags.json, report: answer, draw: (value) => drawLive(value, this) });
}

export async function cancel(this: CliContext, flags: CommonFlags, call: string): Promise<void> {
  const client = await connect(this, flags);
  const view = (await client.ask('POST', `/streams/${encodeURIComponent(call)}/cancel`)) as LiveStreamView;
  show(this, {
    json: flags.json,
    report: { report: 'stream_cancelled', ...view },
    draw: ({ id, events }) => `${id} is cancelled after ${events} events.\n\nhint: headgate calls show ${id}`,
  });
}
