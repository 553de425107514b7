import { CLIENTS, fill, type ClientSnippets } from '#gateway/snippets/index.ts';
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

function section({ name, title, snippets, notes, checked }: ClientSnippets): string {
  return [
    `## ${title}`,
    '',
    '```sh',
    `npx headgate connect ${name} --test`,
    '```',
    '',
    ...snippets.flatMap(({ place, language, text }) => [
      `${place[0]!.toUpperCase()}${place.slice(1)}:`,
      '',
      `\`\`\`${LANGUAGES[language]}`,
      fill(text, SHOWN),
      '```',
      '',
    ]),
    ...notes.map((note) => `- ${note}`),
    '',
    `Checked: ${checked}.`,
    '',
  ].join('\n');
}

/** Settings of every client, from the snippets that the command line prints. */
export const clientsPage = (): Page => ({
  path: 'docs/guides/clients.md',
  text: `${madeFrom('src/gateway/snippets')}
# Connecting clients

\`headgate connect <client>\` makes a key and prints the settings below with the address of your gate, the key and a model in them. \`--test\` makes one call as the client would and shows its id, its model and what it cost. \`--key '\${env:NAME}'\` uses a key that there is, \`--url\` puts the address into the settings by which clients reach the gate, \`--tenant\` and \`--feature\` say whose calls they are.

${CLIENTS.map(section).join('\n')}`,
});
