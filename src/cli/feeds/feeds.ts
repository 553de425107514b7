import type { FeedsView } from '#gateway/operations/feeds.ts';
import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { drawFeeds } from './draw.ts';

export async function feeds(this: CliContext, flags: CommonFlags): Promise<void> {
  const admin = await connect(this, flags);
  const report = (await admin.ask('GET', '/feeds')) as FeedsView;
  show(this, { json: flags.json, report, draw: (value) => drawFeeds(value, this) });
}
