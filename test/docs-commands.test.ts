import assert from 'node:assert/strict';
import { existsSync, globSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sdksSkip } from './harness/sdks.ts';
import { blocksOf, commandsOf, fixedWords, type Block } from './docs/blocks.ts';
import { readPage, startReader, type Reader, type ReaderKind } from './docs/reader.ts';

const root = join(import.meta.dirname, '..');
const PAGES = [
  'README.md',
  ...globSync(['docs/start/*.md', 'docs/guides/*.md', 'docs/operate/*.md'], { cwd: root }),
].sort();
/** What a reader begins with; every other page is read with the file of the guides. */
const FIRST_START = new Set(['README.md', 'docs/start/five-minutes.md']);
/** Files that a page speaks of as the reader's own. */
const FILES: Readonly<Record<string, string>> = {
  'config.json': JSON.stringify({
    strategy: { mode: 'fallback' },
    targets: [
      { provider: 'openai', override_params: { model: 'gpt-5-mini' } },
      { provider: 'anthropic', override_params: { model: 'claude-haiku-4-5' } },
    ],
  }),
  'secrets/anthropic': 'sk-ant-x',
  'secrets/globex-batch': `hg_${'x'.repeat(43)}`,
  'model_prices_and_context_window.json': JSON.stringify({
    'gpt-5-mini': {
      ...{ litellm_provider: 'openai', mode: 'chat' },
      ...{ input_cost_per_token: 2.5e-7, output_cost_per_token: 2e-6 },
    },
  }),
};
const RUNNABLE = new Set(['sh', 'bash', 'console', 'yaml', 'ts', 'json']);

const all = PAGES.flatMap((page) => blocksOf(page, readPage(page)));
const where = ({ page, line }: Block): string => `${page}:${line}`;
const runnable = (block: Block): boolean => block.note === null && RUNNABLE.has(block.language);

test('every block of a page is run here, or says why not', (t) => {
  const silent = all.filter((block) => !runnable(block) && block.note === null && block.language !== '').map(where);
  assert.deepEqual(silent, [], 'write <!-- not run: why --> or <!-- run by: file --> before it');
  for (const block of all) {
    if (block.note?.kind === 'not run') t.diagnostic(`not run: ${where(block)}: ${block.note.text}`);
    if (block.note?.kind !== 'run by') continue;
    const [file] = block.note.text.split(/[ ,]/);
    assert.ok(existsSync(join(root, file!)), `${where(block)}: there is no ${file}`);
  }
});

test('a block without a language shows text, and no command', () => {
  const commands = all.filter(({ language, text, note }) => language === '' && /^\$ /m.test(text) && note === null);
  assert.deepEqual(commands.map(where), [], 'a command with its output is a `console` block');
});

/** What stands in a page for something of the reader's own. Written as shell, filled by the gate that is running. */
const own = (text: string, { kind, folder, url, key }: Reader): string =>
  // The way by npx is walked on the first pages; elsewhere it would take most of the time.
  (kind === 'lab' ? text : text.replaceAll('npx headgate', 'headgate'))
    .replaceAll('http://127.0.0.1:4141', url)
    .replaceAll('127.0.0.1:4141', new URL(url).host)
    .replaceAll('hg_…', key)
    .replaceAll(/<call id>|call_01[0-9A-Z]{24}/g, '$(newest calls calls)')
    .replaceAll('bud_…', '$(newest budgets budgets)')
    .replaceAll('lim_…', '$(newest limits limits)')
    .replaceAll('price_01M8…', '$(newest prices prices --all)')
    .replaceAll('/run/secrets/', `${folder}/secrets/`)
    .replaceAll('MODEL', 'claude-lab');

/** The newest row that a command lists. A call reaches the list a moment after its answer: it is asked for up to ten seconds. */
const PRELUDE = `
newest() {
  for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    id=$(headgate "$1" list "\${@:3}" --json | node -e 'let t = ""; process.stdin.on("data", (d) => (t += d)).on("end", () => console.log(JSON.parse(t)[process.argv[1]].find((one) => !one.id.startsWith("file-"))?.id ?? ""))' "$2")
    if [[ -n $id ]]; then echo "$id"; return; fi
    sleep 0.5
  done
  return 1
}
`;

const kindOf = (page: string): ReaderKind =>
  FIRST_START.has(page) ? 'lab' : readPage(page).startsWith('<!-- Made by') ? 'clients' : 'guides';

/** One for all pages of a kind: a reader goes from one to the next. */
const readers: Partial<Record<ReaderKind, Reader>> = {};
after(() => Promise.all(Object.values(readers).map((reader) => reader.close())));

for (const page of PAGES.filter((one) => all.some((block) => block.page === one && runnable(block)))) {
  describe(page, () => {
    const kind = kindOf(page);
    const blocks = all.filter((block) => block.page === page && runnable(block));
    let reader: Reader;
    before(async () => {
      reader = readers[kind] ??= await startReader(kind, FILES);
    });

    const shells = blocks.filter(({ language }) => language === 'sh' || language === 'bash' || language === 'console');
    if (shells.length > 0) {
      test('its commands run in order, in one shell', async () => {
        const script = shells.map((block) => shellOf(block, reader)).join('\n');
        const { code, output } = await reader.shell(PRELUDE + script, { HG_KEY: reader.key });
        const last = [...output.matchAll(/^::(\S+)$/gm)].at(-1)?.[1];
        assert.equal(code, 0, `${last} ended with ${code}:\n${output.slice(-3_000)}`);
        for (const block of shells) if (block.language === 'console') compare(block, output);
      });
    }

    for (const block of blocks.filter(({ language }) => language === 'yaml')) {
      test(`${block.line}: \`headgate check\` takes it`, async () => {
        writeFileSync(join(reader.folder, 'page.yaml'), own(block.text, reader));
        const { code, output } = await reader.shell('headgate check page.yaml', { ...SECRETS });
        assert.equal(code, 0, output);
      });
    }

    for (const block of blocks.filter(({ language }) => language === 'json')) {
      test(`${block.line}: is JSON`, () => void JSON.parse(block.text));
    }

    const programs = programsOf(blocks.filter(({ language }) => language === 'ts'));
    for (const { line, text } of programs) {
      test(`${line}: runs on the real libraries`, { skip: sdksSkip }, async () => {
        const file = join(root, 'test/sdk', `page-${process.pid}-${line}.mts`);
        writeFileSync(file, own(text, reader));
        try {
          const { code, output } = await reader.shell(`node --disable-warning=ExperimentalWarning ${file}`, {
            ...{ HG_KEY: reader.key, HEADGATE_KEY: reader.key },
            ...{ OPENAI_API_KEY: reader.key, ANTHROPIC_API_KEY: reader.key, GEMINI_API_KEY: reader.key },
          });
          assert.equal(code, 0, output);
        } finally {
          rmSync(file);
        }
      });
    }
  });
}

/** References of the pages' files; \`check\` asks whether they are there. */
const SECRETS = {
  HEADGATE_ADMIN_TOKEN: 'hga_'.padEnd(40, 'x'),
  HEADGATE_CAPTURE_KEY: 'ab'.repeat(32),
  ...{
    OPENAI_API_KEY: 'sk-x',
    ACME_OPENAI_KEY: 'sk-y',
    ANTHROPIC_API_KEY: 'sk-x',
    GEMINI_API_KEY: 'x',
    CO_API_KEY: 'x',
    OPENMETER_TOKEN: 'x',
    LAGO_API_KEY: 'x',
    HOOK_SECRET: 'whsec_eA==',
    VOYAGE_API_KEY: 'x',
  },
  ...{ AWS_ACCESS_KEY_ID: 'AKIAX', AWS_SECRET_ACCESS_KEY: 'x' },
  ...{ AZURE_OPENAI_API_KEY: 'x', ANTHROPIC_FOUNDRY_API_KEY: 'x' },
  ...{ PAGER_URL: 'https://pager.example/hook', PAGER_SECRET: `whsec_${'YWJj'.repeat(8)}` },
  ...{ SLACK_WEBHOOK: 'https://hooks.example/x', OTLP_AUTHORIZATION: 'Bearer x' },
};

function shellOf(block: Block, reader: Reader): string {
  const lines = block.language === 'console' ? commandsOf(block.text).map(({ command }) => command) : [block.text];
  return [`echo '::${where(block)}'`, ...lines.map((line) => own(line, reader))].join('\n');
}

/** The output has the words that the page shows: what a run changes are figures, names and ids. */
function compare(block: Block, output: string): void {
  for (const { command, output: shown } of commandsOf(block.text)) {
    const missing = fixedWords(shown).filter((word) => !output.includes(word));
    assert.deepEqual(missing, [], `${where(block)}: ${command.split('\n')[0]} does not print`);
  }
}

/** A block that imports begins a program; one that does not goes on with the one before. */
function programsOf(blocks: readonly Block[]): { readonly line: number; readonly text: string }[] {
  const programs: { line: number; text: string }[] = [];
  for (const { line, text } of blocks) {
    if (/^import /m.test(text) || programs.length === 0) programs.push({ line, text });
    else programs.at(-1)!.text += `\n${text}`;
  }
  return programs;
}
