/** Help and the reference page, both drawn from the command data. */
import type { Command, RouteMap } from '@stricli/core';
import type { CliContext } from './context.ts';
import type { Terminal } from './terminal.ts';
import { wrap } from './text.ts';

interface FlagData {
  readonly kind: 'boolean' | 'enum' | 'parsed' | 'counter';
  readonly brief: string;
  readonly placeholder?: string;
  readonly optional?: boolean;
  readonly default?: unknown;
  readonly values?: readonly string[];
  readonly variadic?: boolean | string;
}
interface ArgumentData {
  readonly brief: string;
  readonly placeholder?: string;
  readonly optional?: boolean;
}

/** One command as data: what help and the reference page show. */
export interface CommandPage {
  readonly name: string;
  readonly brief: string;
  readonly description: string | null;
  readonly usage: string;
  readonly arguments: readonly { readonly name: string; readonly brief: string }[];
  readonly flags: readonly { readonly name: string; readonly brief: string; readonly default: string | null }[];
}

type RoutingTarget = Command<CliContext> | RouteMap<CliContext>;

const isGroup = (target: RoutingTarget): target is RouteMap<CliContext> => 'getAllEntries' in target;
const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export interface Named {
  readonly name: string;
  readonly target: RoutingTarget;
}

/** What runs where a group is named and nothing else; null: help does. A default that needs an argument is no such. */
export function defaultOf(target: RoutingTarget): Command<CliContext> | null {
  const usual = isGroup(target) ? target.getDefaultCommand() : undefined;
  const positional = usual?.parameters.positional as { readonly parameters?: readonly ArgumentData[] } | undefined;
  return usual && (positional?.parameters ?? []).every(({ optional }) => optional) ? usual : null;
}

/** Every command below a target, in order; the default one of a group goes by the group's own name. */
export function commandsOf({
  name,
  target,
}: Named): { readonly name: string; readonly command: Command<CliContext> }[] {
  if (!isGroup(target)) return [{ name, command: target }];
  return target.getAllEntries().flatMap((entry) =>
    commandsOf({
      name: entry.target === defaultOf(target) ? name : `${name} ${entry.name.original}`,
      target: entry.target,
    }),
  );
}

/** The target that the first words name; null where a word names nothing. */
export function targetOf(root: Named, words: readonly string[]): Named | null {
  let { name, target } = root;
  for (const word of words) {
    if (word.startsWith('-') || !isGroup(target)) break;
    const next = target.getRoutingTargetForInput(word);
    if (!next) return null;
    [name, target] = [`${name} ${word}`, next];
  }
  return { name, target };
}

export function commandPage({
  name,
  command,
}: {
  readonly name: string;
  readonly command: Command<CliContext>;
}): CommandPage {
  const flags = Object.entries((command.parameters.flags ?? {}) as Record<string, FlagData>);
  const positional = command.parameters.positional as { readonly parameters?: readonly ArgumentData[] } | undefined;
  const given = positional?.parameters ?? [];
  const needed = flags.filter(([, flag]) => flag.kind !== 'boolean' && !flag.optional && flag.default === undefined);
  return {
    name,
    brief: command.brief,
    description: command.fullDescription ?? null,
    usage: [
      name,
      ...given.map(({ placeholder = 'arg', optional }) => (optional ? `[${placeholder}]` : `<${placeholder}>`)),
      ...needed.map(([flag, data]) => flagText(flag, data)),
      ...(flags.length > needed.length ? ['[flags]'] : []),
    ].join(' '),
    arguments: given.map(({ placeholder = 'arg', brief }) => ({ name: placeholder, brief })),
    flags: flags.map(([flag, data]) => ({ name: flagText(flag, data), brief: data.brief, default: defaultText(data) })),
  };
}

const flagText = (name: string, { kind, placeholder, values }: FlagData): string =>
  `--${kebab(name)}${kind === 'boolean' ? '' : ` <${values ? values.join('|') : (placeholder ?? 'value')}>`}`;

const defaultText = ({ kind, default: value }: FlagData): string | null =>
  value === undefined || kind === 'boolean' ? null : String(value);

/** Help of a command or of a group. */
export function helpText(at: Named, terminal: Pick<Terminal, 'width' | 'paint'>): string {
  if (!isGroup(at.target)) return commandHelp(commandPage({ name: at.name, command: at.target }), terminal);
  const usual = defaultOf(at.target);
  if (!usual) return groupHelp(at, at.target, terminal);
  const others = verbsOf(at.target).map((verb) => `${at.name} ${verb}`);
  return `${commandHelp(commandPage({ name: at.name, command: usual }), terminal)}\n\nhint: ${others.join(', ')} --help`;
}

/** Without the default one. */
const verbsOf = (group: RouteMap<CliContext>): string[] =>
  group
    .getAllEntries()
    .filter(({ target }) => target !== defaultOf(group))
    .map(({ name }) => name.original);

/** Lines longer than this are hard to read, however wide the terminal. */
const READABLE = 110;

function groupHelp(
  at: Named,
  group: RouteMap<CliContext>,
  { width, paint }: Pick<Terminal, 'width' | 'paint'>,
): string {
  const rows = group.getAllEntries().map(({ name, target }) => {
    const verbs = isGroup(target) ? ` ${verbsOf(target).join('|')}` : '';
    return { name: `${name.original}${verbs}`, brief: target.brief };
  });
  return [
    wrap(group.brief, Math.min(width, READABLE)),
    '',
    `${paint.bold('usage')}  ${at.name} <command> [flags]`,
    '',
    ...defined(rows, Math.min(width, READABLE)),
    '',
    `hint: ${at.name} <command> --help`,
  ].join('\n');
}

function commandHelp(page: CommandPage, { width, paint }: Pick<Terminal, 'width' | 'paint'>): string {
  const readable = Math.min(width, READABLE);
  const flags = page.flags.map(({ name, brief, default: value }) => ({
    name,
    brief: `${brief}${value === null ? '' : ` (default: ${value})`}`,
  }));
  return [
    wrap(page.brief, readable),
    ...(page.description === null ? [] : ['', wrap(page.description, readable)]),
    '',
    `${paint.bold('usage')}  ${page.usage}`,
    ...(page.arguments.length === 0 ? [] : ['', ...defined(page.arguments, readable)]),
    ...(flags.length === 0 ? [] : ['', ...defined(flags, readable)]),
  ].join('\n');
}

/** A name wider than this stands on a line of its own. */
const NAME_COLUMNS = 34;

/** Names on the left, wrapped words on the right. */
function defined(rows: readonly { readonly name: string; readonly brief: string }[], width: number): string[] {
  const column = Math.min(NAME_COLUMNS, Math.max(...rows.map(({ name }) => name.length)));
  const indent = ' '.repeat(column + 4);
  return rows.map(({ name, brief }) => {
    const words = wrap(brief, width - indent.length)
      .split('\n')
      .join(`\n${indent}`);
    return name.length > column ? `  ${name}\n${indent}${words}` : `  ${name.padEnd(column)}  ${words}`;
  });
}
