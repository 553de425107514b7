import { CLIENTS, fill, type ClientSnippets, type Snippet } from '#gateway/snippets/index.ts';
import { madeFrom, type Page } from './page.ts';

/** What stands in a page for the key and the model of a reader. */
const SHOWN = { url: 'http://127.0.0.1:4141', key: 'hg_…', model: 'MODEL' } as const;

const LANGUAGES: Readonly<Record<string, string>> = {
  sh: 'sh',
  toml: 'toml',
  json: 'json',
  ts: 'ts',
  python: 'python',
  text: '',
};

/** Pages by hand that go deeper. */
const DEEPER: Readonly<Record<string, string>> = {
  openai: 'openai-sdk.md',
  anthropic: 'anthropic-sdk.md',
  'ai-sdk': 'vercel-ai-sdk.md',
};

/** Libraries whose packages lie in a folder of their own. */
const ELSEWHERE = ['langchain', 'llamaindex'];

/** Why a block is not run where the others of the pages are; '' where it is. */
function note({ name, kind }: ClientSnippets, { language, text }: Snippet): string {
  if (language === 'python') return '<!-- not run: Python is no part of the tests -->';
  if (/^pip /m.test(text)) return '<!-- not run: installs from an index that the tests do not use -->';
  if (/^docker /m.test(text)) return '<!-- not run: needs Docker -->';
  if (kind === 'agent' && language !== 'text') return '<!-- run by: test/clients/main.ts -->';
  return language === 'ts' && ELSEWHERE.includes(name) ? '<!-- run by: test/clients/libraries.test.ts -->' : '';
}

const settings = (client: ClientSnippets): string[] =>
  client.snippets.flatMap((snippet) => {
    const { place, language, text } = snippet;
    const why = note(client, snippet);
    const title =
      place.startsWith('~') || place.includes('.json of') ? place : `${place[0]!.toUpperCase()}${place.slice(1)}`;
    return [
      ...[`${title}:`, '', ...(why === '' ? [] : [why, ''])],
      ...[`\`\`\`${LANGUAGES[language]}`, fill(text, SHOWN), '```', ''],
    ];
  });

const list = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`## ${title}`, '', ...lines.map((line) => `- ${line}`), ''];

function clientPage(client: ClientSnippets): Page {
  const { name, title, notes, limits, checked } = client;
  return {
    path: `docs/guides/${name}.md`,
    text: [
      ...[madeFrom('src/gateway/snippets'), '', `# ${title}`, ''],
      ...[
        '## Settings',
        '',
        `\`headgate connect ${name}\` prints them with the address of your gate, a new key and a model:`,
        '',
      ],
      ...settings(client),
      ...list('To know', notes),
      ...['## Verify', '', 'A call as the client makes it, with what it cost:', ''],
      ...['```sh', `npx headgate connect ${name} --test`, '```', ''],
      ...['Then let the client itself ask something, and look at its calls:', ''],
      ...[
        '```sh',
        'npx headgate calls list',
        ...(client.kind === 'agent' ? ['npx headgate sessions list'] : []),
        '```',
        '',
      ],
      ...list('Known not to work', limits.length > 0 ? limits : ['Nothing is known.']),
      ...[`Checked: ${checked}.`, ''],
      ...(DEEPER[name] ? [`Headers, streams, errors and retries: [${title} in depth](${DEEPER[name]}).`, ''] : []),
    ].join('\n'),
  };
}

const KINDS = { agent: 'Agents', library: 'Libraries', app: 'Applications' } as const;

const table = (kind: keyof typeof KINDS): string[] => [
  ...[`## ${KINDS[kind]}`, '', '| client | checked |', '| --- | --- |'],
  ...CLIENTS.filter((one) => one.kind === kind).map(
    ({ name, title, checked }) => `| [${title}](${name}.md) | ${checked} |`,
  ),
  '',
];

const index = (): Page => ({
  path: 'docs/guides/clients.md',
  text: `${madeFrom('src/gateway/snippets')}
# Connecting clients

\`headgate connect <client>\` makes a key and prints the settings of a client with the address of your gate, the key and a model in them. \`--test\` makes one call as the client would and shows its id, its model and what it cost. \`--key '\${env:NAME}'\` uses a key that there is, \`--url\` puts the address into the settings by which clients reach the gate, \`--tenant\` and \`--feature\` say whose calls they are.

${(['agent', 'library', 'app'] as const).flatMap(table).join('\n')}`,
});

/** Settings of every client, from the snippets that the command line prints. */
export const clientsPages = (): Page[] => [index(), ...CLIENTS.map(clientPage)];
