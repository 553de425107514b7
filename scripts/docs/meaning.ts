/** What a key of headgate.yaml means, where the schema beside it does not say so itself. */
export const MEANING: Readonly<Record<string, string>> = {
  environment: 'Name that every entry of the ledger carries: production, staging.',
  dataDir: 'Folder of ledger, state, spool and admin token. `HEADGATE_DATA` and `--data` win over it.',
  'listen.host': 'Any address beyond loopback needs `admin.token`, and is refused while the simulated provider serves.',
  'listen.port': '0 takes a free one; it is printed.',
  'admin.token':
    'Reference of the admin token. Without it the first start makes one in `admin.token` of the data folder.',
  'providers.<name>.baseUrl': 'Address of the provider where its data file has none, or of your own.',
  'providers.<name>.apiKey':
    "Reference of the credential. Default: the environment variable that the provider's own tools read.",
  'providers.<name>.timers.connect': 'Until the connection stands.',
  'providers.<name>.timers.firstByte': 'From the request being sent to the first byte of the answer.',
  'providers.<name>.timers.idle': 'Between two reads of the answer.',
  'providers.<name>.timers.total': 'The whole attempt. `x-stainless-timeout` of an SDK shortens it.',
  'providers.<name>.headers.<name>': 'Header that every request to this provider carries.',
  'providers.<name>.query.<name>': 'Query parameter that every request to this provider carries.',
  'providers.<name>.onDisconnect':
    'When the client leaves: `cancel` stops the provider at once, `readOut` reads on for the usage, at most 30 s.',
  'models.<name>.deployments': 'Who serves the model. A name that ends in `*` is a prefix.',
  'models.<name>.deployments[].provider': 'Name of an entry of `providers`.',
  'models.<name>.deployments[].weight': 'Share of the calls among deployments of the same order.',
  'models.<name>.deployments[].maxOutputTokens': "Largest answer, where it is not the provider's.",
  'models.<name>.deployments[].onUnsupported':
    'Fields that the deployment cannot express: `drop-hints` (default) leaves hints out and refuses meaning, `drop` leaves both out, `reject` refuses both.',
  prices: 'Prices of your own; they win over the public list.',
  'prices[].provider': 'Name of an entry of `providers`, or `*`.',
  'prices[].model': 'Model id at the provider.',
  'prices[].validFrom': 'From when the price holds, as an ISO 8601 time.',
  'prices[].perMillion.<name>':
    'Dollars for a million units, by bucket: `input`, `output`, `cachedRead`, `cacheWrite` and so on.',
  'retry.backoff': 'Wait before the second attempt; it doubles, with jitter. A `retry-after` of the provider wins.',
  'stream.heartbeat':
    'Longest time that the status line is held for the first content; after it, and whenever a stream is silent for so long, the client gets a sign of life.',
  'stream.resume.streamBytes': 'Largest log of one stream; a stream that grows beyond it cannot be read again.',
  'stream.resume.tenantBytes':
    'Logs of one tenant: beyond it its finished ones go, the oldest first; a live one never.',
  'stream.resume.totalBytes': 'Logs of this process, by the same rule.',
  'stream.resume.orphansPerKey':
    'Live streams of one key that nobody reads; a further one is cancelled with its reader.',
  'ledger.fsync':
    'When records are forced to disk: each one (`always`), every 50 ms (`interval`), or when the system likes (`os`). A killed process loses nothing in any of them; a power cut loses at most the window.',
  'ledger.onDiskFull':
    'While the spool cannot be written: calls go on without their entries being durable (`continue`), or are refused (`stop`).',
  'ledger.retention.entries': 'Entries older than this are removed; their sums stay in the rollups.',
  'ledger.retention.minutes': 'Rollups by the minute older than this are removed; hours and days stay.',
  'limits.bodyBytes': 'Largest request body after decoding.',
  'limits.bodyTimeout': 'Longest time for a body to arrive.',
  'limits.headerBytes': 'Largest request head.',
  'limits.answerBytes': 'Largest unary answer of a provider.',
  'limits.inFlight': 'Admitted calls at one time.',
  'files.maxBytes': 'Largest file, and largest batch of requests, that is taken.',
  'files.uploadTimeout': 'Longest time for a file to arrive.',
  'features.<name>.files.provider': 'Where files of this feature are kept that name no model; over `files.provider`.',
  'drain.limit': 'After SIGTERM: how long streams may go on.',
  'log.level': 'Lines of JSON on stderr from this level up.',
};
