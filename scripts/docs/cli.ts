/** Writes docs/reference/cli.md from the command data; `--check` says whether it is up to date. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '#cli/app.ts';
import { commandPage, commandsOf, type CommandPage } from '#cli/help.ts';

const FILE = join(import.meta.dirname, '..', '..', 'docs', 'reference', 'cli.md');

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function section({ name, brief, description, usage, arguments: given, flags }: CommandPage): string {
  const rows = flags.map(
    (flag) =>
      `| \`${flag.name.replaceAll('|', '\\|')}\` | ${cell(flag.brief)} | ${flag.default === null ? '' : `\`${flag.default}\``} |`,
  );
  return [
    `## \`${name}\``,
    '',
    `${brief}.${description === null ? '' : ` ${description}`}`,
    '',
    '```',
    usage,
    '```',
    ...(given.length === 0 ? [] : ['', ...given.map((argument) => `- \`${argument.name}\`: ${cell(argument.brief)}`)]),
    ...(rows.length === 0 ? [] : ['', '| flag | meaning | default |', '| --- | --- | --- |', ...rows]),
    '',
  ].join('\n');
}

/** The whole page. */
export function cliPage(): string {
  const pages = commandsOf({ name: 'headgate', target: root }).map(commandPage);
  return `# Commands

Written by \`node scripts/docs/cli.ts\` from the commands themselves: change them, not this page.

A command prints its result on stdout and everything else (progress, notes, hints) on stderr. \`--json\` prints the same
report as JSON with \`"version": 1\`, money as exact decimal dollars. Exit codes: 0 done, 1 failed, 2 usage or
configuration, 3 a gate failed. Colour comes only on a terminal, and never with \`NO_COLOR\`.

Commands reach the running gate by the address and the admin token in its data folder, or by \`HEADGATE_URL\` and
\`HEADGATE_ADMIN_TOKEN\`. With none running, those that only read open its store and say so.

| variable | meaning |
| --- | --- |
| \`HEADGATE_URL\` | address of the gate, for example \`http://127.0.0.1:4141\` |
| \`HEADGATE_ADMIN_TOKEN\` | admin token, where it is not in the data folder |
| \`HEADGATE_DATA\` | data folder |
| \`HEADGATE_CONFIG\` | configuration file |
| \`NO_COLOR\`, \`FORCE_COLOR\` | never, or always, print colour |
| \`HEADGATE_DEBUG\` | show where a mistake of ours happened |

${pages.map(section).join('\n')}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const page = cliPage();
  if (process.argv.includes('--check')) {
    if (readFileSync(FILE, 'utf8') !== page) {
      process.stderr.write('docs/reference/cli.md is out of date\nhint: node scripts/docs/cli.ts\n');
      process.exit(1);
    }
  } else {
    mkdirSync(dirname(FILE), { recursive: true });
    writeFileSync(FILE, page);
  }
}
