import { liveDrains } from '#capabilities/failover/index.ts';
import type { Gate } from './gate.ts';

/** Names of models may come from callers: a page shows this many. */
const MOST_MODELS = 200;

/** One line a sample in Prometheus' text format 0.0.4. Labels are closed sets but for a bounded number of models. */
export function metricsText(gate: Gate): string {
  const spool = gate.spool.stats();
  return [
    ...family('headgate_calls_total', 'counter', 'Settled calls by outcome.', labelled('outcome', gate.meter.outcomes)),
    ...family(
      'headgate_refusals_total',
      'counter',
      'Refusals before admission, by error code.',
      labelled('code', gate.meter.refusals),
    ),
    ...family('headgate_calls_in_flight', 'gauge', 'Admitted calls that are not settled.', [['', gate.meter.inFlight]]),
    ...family('headgate_spool_unshipped_calls', 'gauge', 'Settled calls that the store has not confirmed.', [
      ['', spool.unshippedCalls],
    ]),
    ...family('headgate_spool_unshipped_bytes', 'gauge', 'Bytes of the spool that the store has not confirmed.', [
      ['', spool.unshippedBytes],
    ]),
    ...family('headgate_spool_lag_seconds', 'gauge', 'Age of the oldest unshipped call.', [
      ['', (spool.oldestUnshippedMs ?? 0) / 1000],
    ]),
    ...family('headgate_spool_disk_full', 'gauge', '1 while the spool cannot be written.', [
      ['', spool.diskFull ? 1 : 0],
    ]),
    ...family('headgate_drains', 'gauge', 'Drains in force.', [
      ['', liveDrains(gate.tenants.directory.drains, gate.clock.now()).length],
    ]),
    ...family('headgate_late_changes', 'gauge', 'Changes of this node that the store has not confirmed.', [
      ['', gate.tenants.lateChanges],
    ]),
    ...family(
      'headgate_capture_records_total',
      'counter',
      'Calls whose text a capture wanted, by what became of it.',
      captured(gate),
    ),
    ...family('headgate_capture_bytes', 'gauge', 'Bytes of captured text, sealed.', [['', gate.captures.stats.bytes]]),
    ...family(
      'headgate_token_estimate_error_ratio',
      'gauge',
      'Mean absolute relative error of estimated tokens, against what the provider or the exact count said.',
      estimateErrors(gate),
    ),
    ...family(
      'headgate_exact_counts_total',
      'counter',
      'Streams that were cut, by what their exact count came to.',
      labelled('result', gate.recounts.results),
    ),
    ...family('headgate_exact_count_kept_bytes', 'gauge', 'Bytes of streams that are kept in case they are cut.', [
      ['', gate.recounts.keptBytes],
    ]),
    ...family('process_resident_memory_bytes', 'gauge', 'Resident memory.', [['', process.memoryUsage.rss()]]),
    ...family('process_cpu_seconds_total', 'counter', 'User and system CPU time.', [['', cpuSeconds()]]),
    '',
  ].join('\n');
}

type Sample = readonly [labels: string, value: number];

const family = (name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  ...samples.map(([labels, value]) => `${name}${labels} ${value}`),
];

const labelled = (label: string, values: ReadonlyMap<string, number>): Sample[] =>
  [...values].map(([value, count]) => [`{${label}="${value}"}`, count]);

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const captured = ({ captures: { stats } }: Gate): Sample[] =>
  (['kept', 'full', 'failed', 'busy'] as const).map((result) => [`{result="${result}"}`, stats[result]]);

/** `against`: what the estimate was held to; `tokenizer` is the exact count of a cut stream. */
function estimateErrors({ estimator, recounts }: Gate): Sample[] {
  const samples: Sample[] = [];
  const add = (model: string, side: string, against: string, error: number | null): void => {
    if (error === null || samples.length >= MOST_MODELS * 2) return;
    samples.push([`{model="${escaped(model)}",side="${side}",against="${against}"}`, error]);
  };
  for (const [model, error] of recounts.errors.each()) add(model, 'output', 'tokenizer', error);
  for (const { model, input, output } of estimator.errors()) {
    add(model, 'input', 'provider', input);
    add(model, 'output', 'provider', output);
  }
  return samples;
}

const escaped = (value: string): string =>
  value.slice(0, 128).replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));
