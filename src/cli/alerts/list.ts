import type { AlertsView } from '#capabilities/alerts/index.ts';
import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { drawAlerts } from './draw.ts';

export async function list(this: CliContext, flags: CommonFlags): Promise<void> {
  const admin = await connect(this, flags);
  const report = (await admin.ask('GET', '/alerts')) as AlertsView;
  show(this, { json: flags.json, report, draw: (value) => drawAlerts(value, this) });
}
