/** Scripts of completion, made from the command data: what a shell needs is written down, so that no key press starts a process. Pure. */
import { shellQuoted } from '#kernel/shell.ts';
import type { Command, RouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { commandPage, defaultOf } from '../help.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

/** What may follow the words of a command so far. */
export interface Words {
  /** `keys create`; '' is the root. */
  readonly path: string;
  readonly choices: readonly { readonly word: string; readonly brief: string }[];
}

type Target = Command<CliContext> | RouteMap<CliContext>;
const isGroup = (target: Target): target is RouteMap<CliContext> => 'getAllEntries' in target;

/** Every group with its commands, and every command with its flags. */
export function wordsOf(target: Target, path = ''): Words[] {
  if (!isGroup(target)) return [{ path, choices: flagsOf(path, target) }];
  const entries = target.getAllEntries();
  const usual = defaultOf(target);
  const verbs = entries.filter((entry) => entry.target !== usual);
  const choices = verbs.map(({ name, target: { brief } }) => ({ word: name.original, brief }));
  return [
    { path, choices: usual ? [...choices, ...flagsOf(path, usual)] : choices },
    ...verbs.flatMap((entry) => wordsOf(entry.target, `${path} ${entry.name.original}`.trim())),
  ];
}

interface Proposing {
  readonly parameters?: readonly {
    readonly proposeCompletions?: (this: unknown, partial: string) => readonly string[];
  }[];
}

/** Values of the first argument, where they are a short list. */
const argumentsOf = ({ parameters }: Command<CliContext>): Words['choices'] => {
  const [first] = (parameters.positional as Proposing | undefined)?.parameters ?? [];
  return (first?.proposeCompletions?.call(null, '') ?? []).map((word) => ({ word, brief: '' }));
};

const flagsOf = (path: string, command: Command<CliContext>): Words['choices'] => [
  ...argumentsOf(command),
  ...commandPage({ name: path, command }).flags.map(({ name, brief }) => ({ word: name.split(' ')[0]!, brief })),
  { word: '--help', brief: 'What the command takes' },
];

export const completionScript = (shell: Shell, words: readonly Words[]): string =>
  ({ bash: bashScript, zsh: zshScript, fish: fishScript })[shell](words);

/** Words of the command so far, without flags and their values: groups and commands alone decide what follows. */
const PATH_OF = `  local word path='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    [[ $word == -* ]] && break
    case " \${path:+$path }$word " in
%CASES%
      *) break ;;
    esac
    path="\${path:+$path }$word"
  done`;

function bashScript(words: readonly Words[]): string {
  const paths = words.filter(({ path }) => path !== '').map(({ path }) => `      ${shellQuoted(` ${path} `)}) ;;`);
  const cases = words.map(
    ({ path, choices }) =>
      `    ${shellQuoted(path)}) words=${shellQuoted(choices.map(({ word }) => word).join(' '))} ;;`,
  );
  return `# headgate completion bash
_headgate() {
${PATH_OF.replace('%CASES%', paths.join('\n'))}
  local words=''
  case $path in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _headgate headgate`;
}

/** \`_describe\` takes \`word:what it does\`. */
function zshScript(words: readonly Words[]): string {
  const item = ({ word, brief }: Words['choices'][number]): string =>
    shellQuoted(word.replaceAll(':', '\\:') + (brief === '' ? '' : `:${brief.replaceAll(':', '\\:')}`));
  const known = words.filter(({ path }) => path !== '').map(({ path }) => `      ${shellQuoted(path)}) ;;`);
  const cases = words.map(
    ({ path, choices }) => `    ${shellQuoted(path)}) choices=(${choices.map(item).join(' ')}) ;;`,
  );
  return `#compdef headgate
# headgate completion zsh
_headgate() {
  local word try line='' i
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    [[ $word == -* ]] && break
    try="\${line:+$line }$word"
    case $try in
${known.join('\n')}
      *) break ;;
    esac
    line=$try
  done
  local -a choices
  case $line in
${cases.join('\n')}
  esac
  _describe headgate choices || _files
}
if [[ $funcstack[1] == _headgate ]]; then _headgate "$@"; else compdef _headgate headgate; fi`;
}

/** One line a choice: fish asks the condition and shows the description. */
function fishScript(words: readonly Words[]): string {
  const lines = words.flatMap(({ path, choices }) =>
    choices.map(({ word, brief }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${word}`;
      return `complete -c headgate -n ${shellQuoted(`__headgate_at ${path}`.trim())} ${what} -d ${shellQuoted(brief)}`;
    }),
  );
  const paths = words.filter(({ path }) => path !== '').map(({ path }) => shellQuoted(path));
  return `# headgate completion fish
set -g __headgate_paths ${paths.join(' ')}
function __headgate_at
    set -l line
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; and break
        set -l try (string join ' ' $line $word)
        contains -- $try $__headgate_paths; or break
        set line $line $word
    end
    test "$line" = "$argv"
end
${lines.join('\n')}`;
}
