import { inForce } from '#ports/state-store.ts';
import type { Alerts } from '#capabilities/alerts/index.ts';
import { bypassesOf, sumOf } from './cache/meter.ts';
import { budgetFamilies, callFamilies } from './call-metrics.ts';
import { family, labelled, labels, type Sample } from './exposition.ts';
import type { Gate } from './gate.ts';
import { qualityFamilies } from './quality/quality-metrics.ts';
import { streamFamilies } from './stream-meter.ts';

/** Names of models may come from callers: a page shows this many. */
const MOST_MODELS = 200;

/** The page of metrics. Labels are closed sets but for a bounded number of models and budgets. */
export function metricsText(gate: Gate): string {
  return [
    ...callsNow(gate),
    ...accountFamilies(gate),
    ...callFamilies(gate.meter.calls),
    ...streamFamilies(gate),
    ...budgetFamilies(gate.meter.budgets),
    ...spoolFamilies(gate),
    ...tokenFamilies(gate),
    ...streamLogFamilies(gate),
    ...telemetryFamilies(gate),
    ...alertFamilies(gate.alerts),
    ...feedFamilies(gate),
    ...family(
      'headgate_stored_operations_total',
      'counter',
      'Operations on responses, files and batches that providers keep.',
      labelled('operation', gate.meter.stored),
    ),
    ...family('headgate_jobs', 'gauge', 'Jobs by state, as of the last look.', jobCounts(gate)),
    ...cacheFamilies(gate),
    ...deskFamilies(gate),
    ...qualityFamilies(gate),
    ...family('process_resident_memory_bytes', 'gauge', 'Resident memory.', [['', process.memoryUsage.rss()]]),
    ...family('process_cpu_seconds_total', 'counter', 'User and system CPU time.', [['', cpuSeconds()]]),
    '',
  ].join('\n');
}

const accountFamilies = ({ accounts }: Gate): string[] => [
  ...family(
    'headgate_account_waiting',
    'gauge',
    'Calls that wait for their turn at a provider’s account.',
    accounts.figures().map(({ provider, model, waiting }) => [labels({ provider, model }), waiting]),
  ),
  ...family('headgate_account_waits_total', 'counter', 'Calls that had to wait for a turn at an account.', [
    ['', accounts.waited],
  ]),
  ...family('headgate_account_turns_missed_total', 'counter', 'Calls whose turn at an account did not come in time.', [
    ['', accounts.gaveUp],
  ]),
];

function cacheFamilies({ cache: { answers, flights, meter } }: Gate): string[] {
  const counts = sumOf(meter.shares);
  const { hits: hit, misses: miss, collapsed, savedNanoUsd } = counts;
  return [
    ...family('headgate_cache_calls_total', 'counter', 'Calls of features with a cache, by what came of it.', [
      ...labelled('result', new Map(Object.entries({ hit, collapsed, miss, bypass: bypassesOf(counts) }))),
    ]),
    ...family(
      'headgate_cache_saved_dollars_total',
      'counter',
      'What hits and collapsed calls would have cost, where a price was known.',
      [['', Number(savedNanoUsd) / 1e9]],
    ),
    ...family('headgate_cache_bytes', 'gauge', 'Kept answers, in bytes.', [['', answers.bytes]]),
    ...family('headgate_cache_answers', 'gauge', 'Kept answers.', [['', answers.size]]),
    ...family('headgate_cache_evictions_total', 'counter', 'Answers that went before their time, for want of room.', [
      ['', answers.evicted],
    ]),
    ...family(
      'headgate_cache_unanswered_total',
      'counter',
      'Lookups that were misses because the store did not answer.',
      [['', answers.unanswered]],
    ),
    ...family('headgate_cache_flights', 'gauge', 'Answers that are being made and may be waited for.', [
      ['', flights.size],
    ]),
    ...family('headgate_cache_flight_bytes', 'gauge', 'Memory of answers that are being made.', [['', flights.bytes]]),
    ...family('headgate_cache_waiting', 'gauge', 'Calls that wait for the answer of another.', [
      ['', flights.followers],
    ]),
  ];
}

const deskFamilies = (gate: Gate): string[] => [
  ...family('headgate_drains', 'gauge', 'Drains in force.', [
    ['', inForce(gate.tenants.directory.drains, gate.clock.now()).length],
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
];

/** While the store has not answered yet nothing is known, and nothing is said. */
function jobCounts({ stored: { jobs } }: Gate): readonly Sample[] {
  if (!jobs.counts) return [];
  const { waiting, running, failed } = jobs.counts;
  return Object.entries({ waiting, running, failed }).map(([state, count]) => [`{state="${state}"}`, count]);
}

const callsNow = ({ meter, tenants, leaks }: Gate): string[] => [
  ...family('headgate_calls_total', 'counter', 'Settled calls by outcome.', labelled('outcome', meter.outcomes)),
  ...family(
    'headgate_refusals_total',
    'counter',
    'Refusals before admission, by error code.',
    labelled('code', meter.refusals),
  ),
  ...family(
    'headgate_limit_refusals_total',
    'counter',
    'Calls that a limit had no room for, by its level and unit.',
    limitRefusals(tenants.limitRefusals),
  ),
  ...family(
    'headgate_leaks_total',
    'counter',
    'Answers that held a text of another tenant, by what was done.',
    labelled('action', new Map(Object.entries(leaks.counts))),
  ),
  ...family(
    'headgate_other_values_total',
    'counter',
    'Values of labels, purposes and clients that counted as `(other)`, by what they are values of.',
    labelled('value', tenants.values.folded),
  ),
  ...family('headgate_calls_in_flight', 'gauge', 'Admitted calls that are not settled.', [['', meter.inFlight]]),
];

const limitRefusals = (refusals: ReadonlyMap<string, number>): Sample[] =>
  [...refusals].map(([name, count]) => {
    const [level, unit] = name.split(' ') as [string, string];
    return [labels({ level, unit }), count];
  });

function spoolFamilies(gate: Gate): string[] {
  const spool = gate.spool.stats();
  const gauge = (name: string, help: string, value: number): string[] => family(name, 'gauge', help, [['', value]]);
  return [
    ...gauge('headgate_spool_unshipped_calls', 'Settled calls that the store has not confirmed.', spool.unshippedCalls),
    ...gauge(
      'headgate_spool_unshipped_bytes',
      'Bytes of the spool that the store has not confirmed.',
      spool.unshippedBytes,
    ),
    ...gauge('headgate_spool_lag_seconds', 'Age of the oldest unshipped call.', (spool.oldestUnshippedMs ?? 0) / 1000),
    ...gauge('headgate_spool_disk_full', '1 while the spool cannot be written.', spool.diskFull ? 1 : 0),
  ];
}

/** Nothing is said where logs are in the process alone. */
const streamLogFamilies = ({ streams: { shared }, idempotency }: Gate): string[] => [
  ...family(
    'headgate_idempotency_alone_total',
    'counter',
    'Calls whose idempotency key other gates did not know, since the shared store was away.',
    shared ? [['', idempotency.alone()]] : [],
  ),
  ...family(
    'headgate_stream_log_up',
    'gauge',
    '1 while the shared log of streams answers.',
    shared ? [['', shared.up ? 1 : 0]] : [],
  ),
  ...family(
    'headgate_streams_undurable',
    'gauge',
    'Live streams that are not in the shared log, since it is away or they grew too large for it.',
    shared ? [['', shared.undurable]] : [],
  ),
  ...family(
    'headgate_stream_log_faults_total',
    'counter',
    'Times that a live stream went on without the shared log.',
    shared ? [['', shared.faults]] : [],
  ),
  ...family(
    'headgate_streams_taken_over_total',
    'counter',
    'Streams of gates that died which this one was to go on with.',
    shared ? [['', shared.taken]] : [],
  ),
  ...family(
    'headgate_streams_swept_total',
    'counter',
    'Streams of gates that died which this one ended, since nobody came to read them.',
    shared ? [['', shared.swept]] : [],
  ),
];

const tokenFamilies = (gate: Gate): string[] => [
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
];

function telemetryFamilies({ telemetry }: Gate): string[] {
  const stats = telemetry.stats();
  const results = (of: Readonly<Record<string, number>>): Sample[] => labelled('result', new Map(Object.entries(of)));
  return [
    ...family(
      'headgate_telemetry_spans_total',
      'counter',
      'Spans by what became of them.',
      results({ sent: stats.sentSpans, dropped: stats.droppedSpans, rejected: stats.rejectedSpans }),
    ),
    ...family('headgate_telemetry_dropped_calls_total', 'counter', 'Calls that the exporter had no time for.', [
      ['', stats.droppedCalls],
    ]),
    ...family(
      'headgate_telemetry_requests_total',
      'counter',
      'Requests to the collector by what came of them.',
      results({ ok: stats.requestsOk, retried: stats.requestsRetried, rejected: stats.requestsRejected }),
    ),
    ...family('headgate_telemetry_queued_bytes', 'gauge', 'Encoded spans that wait for the collector.', [
      ['', stats.queuedBytes],
    ]),
  ];
}

const SEVERITIES = ['info', 'warning', 'critical'] as const;

function alertFamilies(alerts: Alerts): string[] {
  const { waiting, ...results } = alerts.delivery;
  const firing = new Map<string, number>(SEVERITIES.map((severity) => [severity, 0]));
  for (const { settings, instances } of alerts.states())
    for (const { phase } of Object.values(instances))
      if (phase === 'firing') firing.set(settings.severity, firing.get(settings.severity)! + 1);
  return [
    ...family('headgate_alerts_firing', 'gauge', 'Alerts that fire by severity.', labelled('severity', firing)),
    ...family(
      'headgate_alert_messages_total',
      'counter',
      'Messages to webhooks by what came of a try.',
      labelled('result', new Map(Object.entries(results))),
    ),
    ...family('headgate_alert_messages_waiting', 'gauge', 'Messages that wait for their webhook.', [['', waiting]]),
    ...family('headgate_alert_failed_looks_total', 'counter', 'Looks at a rule that the store did not answer.', [
      ['', alerts.failedLooks],
    ]),
  ];
}

/** As of a look at most two seconds ago. */
function feedFamilies({ feeds: { last }, clock }: Gate): string[] {
  const now = clock.now();
  const each = (value: (feed: (typeof last)[number]) => number): Sample[] =>
    last.map((feed) => [labels({ feed: feed.name }), value(feed)]);
  const events = last.flatMap(({ name, counts: { sent, refused }, lost }): Sample[] =>
    Object.entries({ sent, refused, lost }).map(([result, count]) => [labels({ feed: name, result }), count]),
  );
  return [
    ...family('headgate_feed_events_total', 'counter', 'Events of feeds by what became of them.', events),
    ...family(
      'headgate_feed_failures_total',
      'counter',
      'Requests of feeds that brought nothing and are sent again.',
      each(({ counts }) => counts.failures),
    ),
    ...family(
      'headgate_feed_behind_events',
      'gauge',
      'Events that the receiver of a feed has not.',
      each(({ behind }) => behind),
    ),
    ...family(
      'headgate_feed_lag_seconds',
      'gauge',
      'Age of the oldest of them.',
      each(({ oldestAt }) => (oldestAt === null ? 0 : Math.max(0, now - oldestAt) / 1000)),
    ),
  ];
}

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
    samples.push([labels({ model, side, against }), error]);
  };
  for (const [model, error] of recounts.errors.each()) add(model, 'output', 'tokenizer', error);
  for (const { model, input, output } of estimator.errors()) {
    add(model, 'input', 'provider', input);
    add(model, 'output', 'provider', output);
  }
  return samples;
}
