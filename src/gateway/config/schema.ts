import { z } from 'zod';
import { duration, secret, size, valkeyAddress, valkeyCluster } from '#kernel/config/primitives.ts';
import { problemsOf } from '#ledger/prices/index.ts';
import { telemetrySection } from '#telemetry/config.ts';
import { feedsSection } from '#telemetry/feeds/config.ts';
import { alertsSection } from '#capabilities/alerts/config.ts';
import { captureSection } from '#capabilities/parity/config.ts';
import { tenantsSection } from '#capabilities/tenants/config.ts';

const name = z.string().min(1).max(128);

const timers = z.strictObject({
  connect: duration({ min: '10ms', max: '5m' }).optional(),
  firstByte: duration({ min: '10ms', max: '24h' }).optional(),
  idle: duration({ min: '10ms', max: '24h' }).optional(),
  total: duration({ min: '10ms', max: '48h' }).optional(),
});

/** All levels of all tenants would have to be in one slot, which is one node. */
export const LIMITS_NEED_ONE_SERVER =
  'a call takes of all its limits in one step, from those of the operator down to those of an end user, and a cluster has a step within one slot alone: give one server, with replicas where it should outlive its machine';

/** Where limits of requests, tokens and calls in flight are counted. */
const limitCounters = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('memory') }),
    z.strictObject({
      ...valkeyAddress,
      cluster: z
        .boolean()
        .default(false)
        .refine((cluster) => !cluster, LIMITS_NEED_ONE_SERVER)
        .describe('False: limits are counted at one server, and not in a cluster.'),
      whenAway: z
        .enum(['share', 'refuse'])
        .default('share')
        .describe(
          '`share`: each gate goes on with its share of each limit; `refuse`: calls that a limit applies to get 503.',
        ),
      gates: z
        .number()
        .int()
        .min(1)
        .max(10_000)
        .default(1)
        .describe(
          'With `share`: so many gates share a limit at least. Gates that hear each other count themselves; one that starts while the counters are away knows this number alone.',
        ),
    }),
  ])
  .prefault({ kind: 'memory' })
  .describe(
    'Where what calls take of limits is counted: `memory`, in each process for itself; `valkey`, in Valkey or Redis, for every gate on it together. Default: memory. Read at the start.',
  );

/** Where logs of streams are beside this process. */
const streamLogs = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('memory') }),
    z.strictObject({
      ...valkeyAddress,
      ...valkeyCluster,
      lease: duration({ min: '500ms', max: '5m' })
        .default(5_000)
        .describe(
          'A gate that says nothing for so long is taken for dead, and its streams are `interrupted`; default 5s.',
        ),
    }),
  ])
  .prefault({ kind: 'memory' })
  .describe(
    'Where else the events of streams are kept that callers may read again: `memory`, nowhere; `valkey`, in Valkey or Redis, for every gate on it and after a crash. Default: memory. Read at the start.',
  );

/** What becomes part of a host or a path. */
const place = z.string().min(1).max(128);

/** What keeps tenants from telling by a prompt cache what others have sent. */
const prefixCacheSettings = {
  prefixCache: z
    .enum(['shared', 'salt', 'preamble'])
    .optional()
    .describe(
      '`salt`: each tenant’s calls carry a `cache_salt` of their own, as vLLM takes it, so that no tenant reads what another’s prompt left in the cache. `preamble`: each tenant’s prompts begin with a line of its own, about 25 tokens, for caches that take no salt. Default: `shared`.',
    ),
  cachedTokens: z
    .enum(['show', 'hide'])
    .optional()
    .describe(
      '`hide`: answers say nothing of what of their prompt came of a cache; the ledger and the bill do. Default: `hide` where `prefixCache` is `shared` and the gate has more than one tenant, else `show`.',
    ),
  ttftQuantum: duration({ min: '1ms', max: '10s' })
    .optional()
    .describe(
      'The first token of an answer, and a whole answer, goes out at a multiple of this time after the call began, and what follows as much later. Default: at once.',
    ),
} as const;

const provider = z.strictObject({
  kind: name.optional().describe('Data file of the provider; default: the name of this entry.'),
  baseUrl: z.string().max(2048).optional(),
  apiKey: secret().optional().describe('Where a cloud provider has none, its credential chain is asked.'),
  region: place.optional().describe('Amazon Bedrock: the AWS region.'),
  project: place.optional().describe('Vertex AI: the Google Cloud project.'),
  location: place.optional().describe('Vertex AI: a region, `global`, `us` or `eu`.'),
  resource: place.optional().describe('Microsoft Foundry: the name of the resource.'),
  profile: name.optional().describe('Amazon Bedrock: the profile of the shared configuration files.'),
  accessKeyId: secret().optional().describe('Amazon Bedrock: fixed keys instead of the credential chain.'),
  secretAccessKey: secret().optional().describe('Belongs to `accessKeyId`.'),
  sessionToken: secret().optional().describe('Of temporary keys; they are not refreshed.'),
  betas: z
    .array(name)
    .max(64)
    .optional()
    .describe('Words of `anthropic-beta` that the provider accepts beside those of its data file.'),
  subscription: z
    .boolean()
    .optional()
    .describe(
      'True: a caller who sends our key as `x-headgate-key` is served with the login in its own `authorization`, at the official host alone.',
    ),
  continues: z
    .enum(['prefill', 'final-message', 'never'])
    .optional()
    .describe(
      'How it goes on with the beginning of an answer: `prefill`, from a last turn of the answer alone, in each of its APIs; `final-message`, with `continue_final_message`, as vLLM does; `never`, not even a legacy completion. Default: what its data file says.',
    ),
  cacheControl: z
    .boolean()
    .optional()
    .describe(
      'True: its chats take `cache_control` on parts, as proxies of Claude do. Default: what its data file says.',
    ),
  ...prefixCacheSettings,
  timers: timers.optional(),
  headers: z.record(z.string(), z.string()).optional(),
  query: z.record(z.string(), z.string()).optional(),
  dataRegion: place
    .optional()
    .describe('Where it keeps and reads data, in your own words (`eu`): what `regions` of a layer allows.'),
  onDisconnect: z.enum(['cancel', 'readOut']).optional(),
  traceContext: z
    .enum(['off', 'traceparent', 'all'])
    .optional()
    .describe(
      'What of the W3C trace context is sent to it while traces are exported; default: `traceparent` to servers of your own, else `off`.',
    ),
});

const deployment = z.strictObject({
  provider: name,
  model: name.optional().describe('Model id at the provider; default: the name that the caller asked for.'),
  weight: z.number().positive().max(1e6).default(1),
  order: z.number().int().min(0).max(100).default(0).describe('Lower orders are tried first.'),
  maxOutputTokens: z.number().int().positive().optional(),
  onUnsupported: z.enum(['reject', 'drop', 'drop-hints']).optional(),
  dataRegion: place.optional().describe('Default: that of its provider.'),
  ...prefixCacheSettings,
});

const model = z.strictObject({ deployments: z.array(deployment).min(1).max(64) });

const priceBuckets = z
  .record(z.string(), z.union([z.string(), z.number().transform(String)]))
  .superRefine((prices, context) => {
    for (const message of problemsOf(prices)) context.addIssue({ code: 'custom', message });
  });

/** Scheme, host in lower case, and a port that is not the scheme's own; `*` and `null` are none. */
const ORIGIN = /^(https:\/\/(?!.*:443$)|http:\/\/(?!.*:80$)|[a-z][a-z0-9+.-]*-extension:\/\/)[a-z0-9.[\]:_-]{1,253}$/;

/** The whole of headgate.yaml. Each section says its bounds; unknown keys are errors with "did you mean". */
export const configSchema = z.strictObject({
  environment: name.default('default'),
  dataDir: z.string().default('.headgate'),
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: z.number().int().min(0).max(65535).default(4141),
    })
    .prefault({}),
  admin: z.strictObject({ token: secret().optional() }).prefault({}),
  console: z
    .strictObject({
      enabled: z.boolean().default(true).describe('False: neither page nor login; read at the start.'),
      hosts: z
        .array(
          z
            .string()
            .regex(/^[a-z0-9._-]{1,253}$/i, 'is a host name without port')
            .toLowerCase(),
        )
        .max(32)
        .default([])
        .describe('Names by which browsers reach the console, beside addresses and localhost.'),
    })
    .prefault({}),
  providers: z.record(name, provider).default({}),
  models: z.record(name, model).default({}),
  ...tenantsSection,
  limitCounters,
  ...captureSection,
  prices: z
    .array(
      z.strictObject({
        provider: name.default('*'),
        model: name,
        validFrom: z.iso.datetime({ offset: true }).default('1970-01-01T00:00:00Z'),
        perMillion: priceBuckets,
      }),
    )
    .default([]),
  cors: z
    .strictObject({
      origins: z
        .array(z.string().regex(ORIGIN, 'is an origin as browsers send it: https://app.example.com, without a path'))
        .max(256)
        .default([])
        .describe('Pages of these origins may call `/v1` and open sockets, each exactly as a browser sends it.'),
    })
    .prefault({}),
  retry: z
    .strictObject({
      attempts: z.number().int().min(1).max(10).default(3).describe('Attempts of one call in all, fallbacks included.'),
      backoff: duration({ min: '0ms', max: '30s' }).default(150),
    })
    .prefault({}),
  stream: z
    .strictObject({
      heartbeat: duration({ min: '100ms', max: '5m' }).default(10_000),
      resume: z
        .strictObject({
          keep: duration({ min: '1s', max: '24h' })
            .default(15 * 60_000)
            .describe('A finished log is kept for so long.'),
          grace: duration({ min: '0ms', max: '1h' })
            .default(30_000)
            .describe(
              'Nobody may read a live stream for so long; then it is cancelled. In Valkey a stream whose gate died waits so long for a reader.',
            ),
          streamBytes: size({ min: '1KB', max: '1GiB' }).default(16 * 1024 * 1024),
          tenantBytes: size({ min: '1KB', max: '64GiB' }).default(128 * 1024 * 1024),
          totalBytes: size({ min: '1KB', max: '256GiB' }).default(256 * 1024 * 1024),
          orphansPerKey: z.number().int().min(0).max(100_000).default(32),
          redrive: z
            .strictObject({
              times: z
                .number()
                .int()
                .min(0)
                .max(5)
                .default(1)
                .describe('How often one stream is gone on with; then it is `interrupted`. 0: never.'),
              requestBytes: size({ min: '1KB', max: '16MiB' })
                .default(1024 * 1024)
                .describe('A larger request is not kept, and its stream not gone on with.'),
            })
            .prefault({})
            .describe('Streams of gates that died, for calls and features with `resume: redrive`.'),
        })
        .prefault({})
        .describe('Streams that callers may read again: how long and how much of them is kept, in this process.'),
      logs: streamLogs,
      webSocket: z
        .strictObject({
          frameBytes: size({ min: '1KB', max: '64MiB' })
            .default(4 * 1024 * 1024)
            .describe(
              'Of one frame of a client, the body of its call included; a larger one closes the socket (1009).',
            ),
          framesPerSecond: z
            .number()
            .int()
            .min(1)
            .max(100_000)
            .default(200)
            .describe(
              'Frames of a client, pings included, with a burst of twice as many; more closes the socket (1008).',
            ),
          streamsPerSocket: z.number().int().min(1).max(10_000).default(64).describe('Open at once, on one socket.'),
          socketsPerKey: z
            .number()
            .int()
            .min(1)
            .max(1_000_000)
            .default(4_096)
            .describe('Those of its tickets included.'),
          sockets: z
            .number()
            .int()
            .min(1)
            .max(1_000_000)
            .default(16_384)
            .describe('Of this process; 12 KiB an idle one, measured.'),
        })
        .prefault({})
        .describe('WebSockets of `/v1/stream` and of the Responses API.'),
      responsesWebSocket: z
        .boolean()
        .default(false)
        .describe('True: `/v1/responses` serves the WebSocket mode of OpenAI; else an upgrade there is a 426.'),
      slowReader: z
        .strictObject({
          bytes: size({ min: '16KB', max: '256MiB' })
            .default(1024 * 1024)
            .describe(
              'Bytes that wait in this process for one reader. Beyond them it reads from the log, as it has room.',
            ),
          age: duration({ min: '100ms', max: '1h' })
            .default(30_000)
            .describe(
              'How long the oldest of them may wait, and on Linux how long a client may acknowledge nothing of what was sent; then it is let go, and comes back with its last id.',
            ),
        })
        .prefault({})
        .describe('What a slow reader of a stream with a log may have.'),
    })
    .prefault({}),
  idempotency: z
    .strictObject({
      remember: duration({ min: '1s', max: '30d' })
        .default(86_400_000)
        .describe('How long a key is remembered; its answer lives as long as a log of `stream.resume`.'),
      keysPerApiKey: z
        .number()
        .int()
        .min(1)
        .max(10_000_000)
        .default(100_000)
        .describe('Remembered at once for one API key; a further one is a 429.'),
      keys: z.number().int().min(1).max(10_000_000).default(1_000_000).describe('Remembered at once in all.'),
    })
    .prefault({})
    .describe('Calls with the header `idempotency-key`.'),
  ledger: z
    .strictObject({
      fsync: z.enum(['always', 'interval', 'os']).default('interval'),
      onDiskFull: z.enum(['continue', 'stop']).default('continue'),
      retention: z
        .strictObject({
          entries: duration({ min: '1h', max: '36500d' }).default(90 * 86_400_000),
          minutes: duration({ min: '1h', max: '36500d' }).default(14 * 86_400_000),
        })
        .prefault({}),
    })
    .prefault({}),
  limits: z
    .strictObject({
      bodyBytes: size({ min: '1KB', max: '1GiB' }).default(64 * 1024 * 1024),
      bodyTimeout: duration({ min: '100ms', max: '1h' }).default(120_000),
      headerBytes: size({ min: '8KB', max: '1MiB' }).default(64 * 1024),
      answerBytes: size({ min: '1KB', max: '1GiB' }).default(128 * 1024 * 1024),
      inFlight: z.number().int().min(1).max(1_000_000).default(10_000),
    })
    .prefault({}),
  files: z
    .strictObject({
      provider: name
        .optional()
        .describe('Where files are kept that name no model, for keys that may use several providers.'),
      maxBytes: size({ min: '1KB', max: '2GiB' }).default(512 * 1024 * 1024),
      uploadTimeout: duration({ min: '100ms', max: '24h' }).default(900_000),
    })
    .prefault({}),
  jobs: z
    .strictObject({
      poll: duration({ min: '20ms', max: '1h' })
        .default(30_000)
        .describe('How often a batch or a background response is asked for.'),
      giveUpAfter: duration({ min: '0ms', max: '30d' })
        .default(86_400_000)
        .describe('How long after its stated end one that does not end is still asked for.'),
    })
    .prefault({}),
  drain: z.strictObject({ limit: duration({ min: '0ms', max: '24h' }).default(30_000) }).prefault({}),
  ...telemetrySection,
  ...alertsSection,
  ...feedsSection,
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info') }).prefault({}),
});

export type ConfigFile = z.output<typeof configSchema>;
