/** Settings to paste, and what a test has shown. Pure. */
import { count, duration, money } from '../format.ts';
import type { Terminal } from '../terminal.ts';
import { plain, wrap } from '../text.ts';
import type { ConnectReport } from './connect.ts';
import type { ProbeResult } from './probe.ts';

/** Lines longer than this are hard to read, however wide the terminal. */
const READABLE = 110;

export function drawConnect(report: ConnectReport, { paint, width }: Pick<Terminal, 'paint' | 'width'>): string {
  const { title, url, key, model, settings, notes, test } = report;
  const readable = Math.min(width, READABLE);
  const head = [
    `${title} → ${url} · model ${plain(model)}`,
    ...(key
      ? [`key ${key.id} “${plain(key.name)}” of ${plain(key.tenant)}: shown this once, in the settings below`]
      : []),
  ];
  return [
    ...head,
    ...settings.flatMap(({ place, text }) => ['', paint.dim(`# ${place}`), text]),
    ...(notes.length > 0 ? ['', ...notes.map((note) => `- ${wrap(note, readable - 2, '  ')}`)] : []),
    ...(test
      ? ['', ...testLines(test, paint)]
      : ['', `hint: headgate connect ${report.client} --test   proves them with a call`]),
  ].join('\n');
}

function testLines(test: ProbeResult, paint: Terminal['paint']): string[] {
  const requests = test.requests.map(({ request, status }) => `  ${request}  ${status}`);
  if (!test.ok)
    return [
      paint.bad('test failed'),
      ...requests,
      `  ${plain(test.error ?? '')}`,
      ...(test.call ? [`hint: headgate calls show ${test.call}`] : []),
    ];
  const tokens = `${count(test.inputTokens)} tokens in, ${count(test.outputTokens)} out`;
  const first = test.firstTokenMs === null ? '' : ` · first token ${duration(test.firstTokenMs)}`;
  return [
    paint.good('test passed'),
    ...requests,
    `  ${plain(test.deployment ?? 'unknown deployment')} answered as ${plain(test.model ?? 'unknown')} · ${tokens}${first}`,
    `  cost ${test.costNanoUsd === null ? 'unknown' : money(test.costNanoUsd)}`,
    ...(test.call ? [`hint: headgate calls show ${test.call}`] : []),
  ];
}
