import type { Gate } from './gate.ts';

/** One line a sample in Prometheus' text format 0.0.4. Labels are closed sets: error codes and outcomes. */
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
