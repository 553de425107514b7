import type { WebhookTest } from '#capabilities/alerts/index.ts';
import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import { EXIT } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { drawTests } from './draw.ts';

export interface AlertsTest {
  readonly report: 'alerts_test';
  readonly results: readonly WebhookTest[];
}

export async function test(this: CliContext, flags: CommonFlags, webhook?: string): Promise<void> {
  const admin = await connect(this, flags);
  const body = webhook === undefined ? {} : { webhook };
  const report = (await admin.ask('POST', '/alerts/test', { body })) as AlertsTest;
  show(this, { json: flags.json, report, draw: (value) => drawTests(value, this) });
  if (report.results.some(({ ok }) => !ok)) this.exit(EXIT.failed);
}
