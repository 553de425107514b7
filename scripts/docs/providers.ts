import type { DialectName } from '#wire/canonical.ts';
import { PROVIDERS } from '#providers/index.ts';
import type { CredentialChain, ProviderData, Verified } from '#providers/provider-data.ts';
import { code, head, madeFrom, row, type Page } from './page.ts';

const INTRO = `A provider in \`headgate.yaml\` is one of these kinds, a base URL where the kind has none of its own, and one credential. Everything that differs between kinds is data in \`src/providers/data\`, read by one interpreter.

Own headers, query, timers and \`onDisconnect\` of a provider are set in \`headgate.yaml\` and go before what stands here. Of a caller's headers only those listed under *passes* reach the provider. A status of 408, 429 or 500 and above moves a call on to the next deployment; further ones are listed.

*Verified* is about address, authentication, paths and the fields of requests and usage. Status codes, names of limit headers, largest parts and remarks may rest on what others report; no provider was called with a key.
`;

const MEANING: Readonly<Record<Verified, string>> = {
  schema: 'against the published schema of the API',
  sdk: 'against the types or the source of an official SDK',
  docs: 'against documentation or source code that was read',
  none: 'not at all, since the server is yours; the dialect is that of',
};

const STREAM_USAGE: Readonly<Record<ProviderData['streamUsage'], string>> = {
  ask: 'on request: the gate asks and withholds the chunk from a client that did not',
  always: 'always, without being asked',
  never: 'never',
};

const SHORT: Readonly<Record<DialectName, string>> = {
  'openai-chat': 'chat',
  'openai-responses': 'responses',
  'openai-completions': 'completions',
  'openai-embeddings': 'embeddings',
  'openai-moderations': 'moderations',
  'openai-images': 'images',
  'openai-image-edits': 'image edits',
  'openai-image-variations': 'image variations',
  'openai-speech': 'speech',
  'openai-transcriptions': 'transcriptions',
  'openai-translations': 'translations',
  rerank: 'rerank',
  'cohere-rerank': 'rerank v2',
  'voyage-rerank': 'rerank of Voyage',
  'tei-rerank': 'rerank of TEI',
  'cohere-embed': 'embed v2',
  'voyage-contextual': 'contextual embeddings',
  'anthropic-messages': 'messages',
  'anthropic-count': 'count_tokens',
  'bedrock-converse': 'converse',
  'google-generate': 'generateContent',
  'google-count': 'countTokens',
  'google-embed': 'embedContent',
  'google-batch-embed': 'batchEmbedContents',
  'openai-compact': 'compact',
  'ai-sdk-ui': 'UI message stream',
};

const list = (words: readonly string[], none: string): string => (words.length ? words.map(code).join(', ') : none);
const number = (value: number): string => value.toLocaleString('en-US');
const seconds = (ms: number): string => `${number(ms / 1000)} s`;

const kinds = Object.values(PROVIDERS).toSorted((a, b) => a.name.localeCompare(b.name));
const dialectsOf = (data: ProviderData): DialectName[] =>
  (Object.keys(SHORT) as DialectName[]).filter((dialect) => data.paths[dialect]);

const overview = (data: ProviderData): string =>
  row([
    `[${data.name}](#${data.name})`,
    data.title,
    dialectsOf(data)
      .map((dialect) => SHORT[dialect])
      .join(', '),
    data.priceBook ? code(data.priceBook) : 'yours',
    data.verified,
  ]);

function authentication({ auth, keyVariable }: ProviderData): string {
  const header = code(`${auth.header}: ${auth.prefix}…`);
  const from = keyVariable ? `; \`apiKey\` is \`\${env:${keyVariable}}\` unless set` : '';
  const otherwise = auth.chain ? `; without one ${chainWords(auth.chain)}` : '';
  return `${header}${auth.required ? '' : ', where an `apiKey` is set'}${from}${otherwise}`;
}

function chainWords(chain: CredentialChain): string {
  if (chain.platform === 'aws')
    return `each request is signed (SigV4, service \`${chain.service}\`) with \`accessKeyId\` and \`secretAccessKey\`, or with what AWS’s chain gives`;
  const whose = chain.platform === 'google' ? 'Google’s application default credentials' : 'Entra ID’s default chain';
  return `a token of ${whose}, scope \`${chain.scope}\``;
}

/** The address, its exceptions and the options that fill it. */
function address({ baseUrl, baseUrlAt, options }: ProviderData): string {
  if (!baseUrl) return 'yours: `baseUrl`';
  const others = Object.entries(baseUrlAt?.urls ?? {}).map(
    ([value, url]) => `; at \`${baseUrlAt!.option}: ${value}\` ${code(url)}`,
  );
  const told = Object.entries(options ?? {}).map(
    ([name, { variables }]) => `; \`${name}\` is yours${variables.length > 0 ? `, or of ${list(variables, '')}` : ''}`,
  );
  return [code(baseUrl), ...others, ...told].join('');
}

/** What is done to a body of the dialect on its way. */
function envelope({ bodyForms = {} }: ProviderData): string {
  const forms = Object.entries(bodyForms).map(([dialect, { leaveOut, set, listHeader }]) => {
    const words = [
      ...(leaveOut.length > 0 ? [`without ${list(leaveOut, '')}`] : []),
      ...Object.entries(set).map(([name, json]) => `with \`${name}: ${json}\``),
      ...(listHeader ? [`with \`${listHeader.header}\` as \`${listHeader.member}\``] : []),
    ];
    return `${SHORT[dialect as DialectName]}: ${words.join(', ')}`;
  });
  return forms.join('; ') || 'as the dialect has it';
}

function facts(data: ProviderData): [string, string][] {
  const { largest, timers } = data;
  const query = Object.entries(data.query).map(([name, value]) => `${name}=${value}`);
  const refused = Object.entries(data.refusedHints).map(
    ([dialect, fields]) => `${SHORT[dialect as DialectName]}: ${list(fields, 'none')}`,
  );
  const accepted = Object.entries(data.acceptedWords ?? {}).map(
    ([header, words]) => `words of \`${header}\` other than ${list(words, 'none')}`,
  );
  return [
    ['base URL', address(data)],
    ['authentication', authentication(data)],
    [
      'paths',
      list(
        dialectsOf(data).flatMap((dialect) => [data.paths[dialect]!, data.streamPaths?.[dialect] ?? []].flat()),
        'none',
      ),
    ],
    ['body', envelope(data)],
    ['query', list(query, 'none')],
    ['passes', list(data.passHeaders, 'no header')],
    ['left out', [...refused, ...accepted].join('; ') || 'nothing'],
    [
      'limit of output',
      `${code(data.maxOutputTokensField)} in chat; largest answer ${number(data.maxOutputTokens)} tokens`,
    ],
    ['usage on a stream', STREAM_USAGE[data.streamUsage]],
    ['moves on at', list(data.retryStatuses.map(String), 'the usual statuses')],
    ['goes on with a text', continuesText(data)],
    ['client leaves', data.onDisconnect === 'cancel' ? 'cancelled upstream' : 'read on for the usage'],
    [
      'largest part',
      `image ${number(largest.imageTokens)}, sound ${number(largest.audioTokens)}, file ${number(largest.fileTokens)} tokens`,
    ],
    [
      'timers',
      `connect ${seconds(timers.connectMs)}, first byte ${seconds(timers.firstByteMs)}, idle ${seconds(timers.idleMs)}, total ${seconds(timers.totalMs)}`,
    ],
    ['limit headers', list(data.rateLimitHeaders, 'none known')],
    ['request id', data.requestIdHeader ? code(data.requestIdHeader) : 'none known'],
    ['stored things', list(storedOf(data), 'none')],
    ['batches', batchText(data)],
    ['keeps ids', data.keepsIds ? 'yes: they belong to the tenant that made them' : 'no'],
  ];
}

/** A re-drive is asked of a provider that does so. */
function continuesText({ continues = {} }: ProviderData): string {
  const rules = Object.entries(continues).map(([dialect, { models, set = {} }]) => {
    const members = Object.entries(set).map(([name, json]) => code(`${name}: ${json}`));
    return `${code(dialect)}${members.length > 0 ? ` with ${members.join(' and ')}` : ''}${models ? ', Claude up to 4.5' : ''}`;
  });
  return list(rules, 'no, or nobody knows');
}

/** Paths of what it keeps, each once. */
const storedOf = ({ stored }: ProviderData): string[] => [
  ...new Set([...Object.values(stored?.openai ?? {}), ...Object.values(stored?.anthropic ?? {})]),
];

function batchText({ stored, batchDiscountPercent }: ProviderData): string {
  if (!stored?.openai?.batches && !stored?.anthropic?.batches) return 'none';
  return batchDiscountPercent === undefined ? 'no published discount' : `${batchDiscountPercent} % less, as published`;
}

function section(data: ProviderData): string {
  const checked = `${data.source.url.startsWith('http') ? `<${data.source.url}>` : code(data.source.url)}, read ${data.source.read}`;
  return [
    `## ${data.name}\n`,
    `${data.title}. Checked ${MEANING[data.verified]}: ${checked}.\n`,
    head(['', '']),
    ...facts(data).map(row),
    '',
    ...data.notes.map((note) => `- ${note}`),
    ...(data.notes.length ? [''] : []),
  ].join('\n');
}

export const providersPage = (): Page => ({
  path: 'docs/reference/providers.md',
  text: [
    '# Providers\n',
    madeFrom('src/providers/data'),
    INTRO,
    head(['kind', 'provider', 'speaks', 'prices', 'verified']),
    ...kinds.map(overview),
    '',
    ...kinds.map(section),
  ].join('\n'),
});
