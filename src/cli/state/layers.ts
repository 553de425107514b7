import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { connect, type StateView } from '../connect/source.ts';
import { show as print, type CliContext } from '../context.ts';
import { usageFailure } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { dateTime } from '../format.ts';
import { plain } from '../text.ts';
import { ask, change, day, given, listed, source, SOURCE, word } from './change.ts';

export interface LayerSetFlags extends CommonFlags {
  readonly level: 'operator' | 'plan' | 'tenant' | 'team' | 'feature' | 'key';
  readonly tenant?: string;
  readonly id?: string;
  readonly from?: string;
  readonly template?: string;
}
export interface LayerListFlags extends CommonFlags {
  readonly tenant?: string;
}
export interface LayerDiffFlags extends CommonFlags {
  readonly from?: number;
  readonly to?: number;
}

type Settings = Readonly<Record<string, unknown>>;

const path = (id: unknown): string => `/layers/${encodeURIComponent(String(id))}`;
const versionText = (layer: StateView): string => `${word(layer['id'])}@${word(layer['version'])}`;

/** Creates the layer of a scope, or makes its next version. */
export async function setLayer(this: CliContext, flags: LayerSetFlags): Promise<void> {
  const { level, tenant, id, from, template } = flags;
  if (from === undefined && template === undefined)
    throw usageFailure('Nothing to set.', 'give --template <file> with its text, or --from <file> with all settings');
  const found = await sameLayer(this, flags);
  const settings: Settings = from === undefined ? {} : settingsIn(await textOf(from), from);
  const body =
    template === undefined ? settings : { ...settings, template: await templateOf(template, settings, found) };
  return change(this, flags, {
    ...(found
      ? { method: 'PATCH', path: path(found['id']), body }
      : { method: 'POST', path: '/layers', body: { level, ...given({ tenant, id }), ...body } }),
    done: (set) =>
      found && set['version'] === found['version']
        ? `nothing to change in layer ${versionText(set)}`
        : `${found ? 'changed' : 'created'} layer ${versionText(set)}`,
    ...(found && { hint: `headgate layers diff ${word(found['id'])}   what changed in its template` }),
  });
}

async function sameLayer(context: CliContext, flags: LayerSetFlags): Promise<StateView | undefined> {
  const client = await connect(context, flags);
  const { layers } = (await client.ask('GET', '/layers')) as { readonly layers: readonly StateView[] };
  return layers.find(({ scope }) => {
    const { level, tenant, id } = scope as { level: string; tenant: string | null; id: string | null };
    return level === flags.level && tenant === (flags.tenant ?? null) && id === (flags.id ?? null);
  });
}

/** Its variables and its place stay, where the file of settings says nothing of them. */
async function templateOf(file: string, settings: Settings, found: StateView | undefined): Promise<object> {
  const before = (found?.['settings'] as Settings | undefined)?.['template'];
  const about = (settings['template'] ?? before ?? {}) as object;
  return { ...about, text: (await textOf(file)).replace(/\r?\n$/, '') };
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw usageFailure(`The file ${file} cannot be read.`, 'name a file that is there');
  }
}

function settingsIn(text: string, file: string): Settings {
  const wrong = () =>
    usageFailure(`${file} holds no settings of a layer.`, 'write them as `layers` of headgate.yaml has them');
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    throw wrong();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong();
  return value as Settings;
}

export function listLayers(this: CliContext, { tenant, ...flags }: LayerListFlags): Promise<void> {
  return listed(this, flags, {
    kind: 'layers',
    filter: given({ tenant }),
    columns: [
      { title: 'layer', shrinkTo: 16 },
      { title: 'version' },
      { title: 'sets', shrinkTo: 16 },
      { title: 'by', shrinkTo: 12 },
      SOURCE,
      { title: 'since' },
    ],
    row: (layer) => [
      word(layer['id']),
      word(layer['version']),
      setFields(layer['settings'] as Settings).join(', ') || 'nothing',
      word(layer['author']),
      source(layer),
      day(this, layer['at']),
    ],
    empty: 'No layers yet.',
    hint: 'headgate layers set --tenant <id> --template <file>',
  });
}

/** What a layer says anything of. */
const setFields = (settings: Settings): readonly string[] =>
  Object.entries(settings)
    .filter(([, value]) => value !== null && Object.keys(value as object).length > 0)
    .map(([name]) => name);

export async function showLayer(this: CliContext, flags: CommonFlags, id: string): Promise<void> {
  const layer = await ask(this, flags, { method: 'GET', path: path(id) });
  print(this, { json: flags.json, report: { report: 'layer', ...layer }, draw: () => drawLayer(this, layer) });
}

function drawLayer({ terminal: { paint }, zone }: CliContext, layer: StateView): string {
  const settings = layer['settings'] as Settings;
  const { template, ...others } = settings as { template: { text: string; place: string } | null };
  const versions = layer['versions'] as readonly StateView[];
  return [
    `${paint.bold(versionText(layer))} · ${word(layer['author'])} · ${day({ zone } as CliContext, layer['at'])}`,
    ...(template === null
      ? []
      : ['', paint.dim(`template, ${template.place} the caller’s own`), ...indented(template.text)]),
    '',
    ...setFields(others).map((name) => `${name}: ${plain(JSON.stringify((others as Settings)[name]))}`),
    paint.dim(
      `versions kept: ${versions.map(({ version, at }) => `${word(version)} (${dateTime(Date.parse(String(at)), zone)})`).join(', ')}`,
    ),
  ].join('\n');
}

const indented = (text: string): readonly string[] => text.split('\n').map((line) => `  ${plain(line)}`);

export async function diffLayer(this: CliContext, { from, to, ...flags }: LayerDiffFlags, id: string): Promise<void> {
  const query = new URLSearchParams(
    Object.entries({ from, to }).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
  const diff = await ask(this, flags, { method: 'GET', path: `${path(id)}/diff${query.size > 0 ? `?${query}` : ''}` });
  print(this, { json: flags.json, report: { report: 'layer_diff', ...diff }, draw: () => drawDiff(this, diff) });
}

function drawDiff({ terminal: { paint }, zone }: CliContext, diff: StateView): string {
  const lines = diff['lines'] as readonly { readonly is: ' ' | '-' | '+'; readonly text: string }[];
  const side = (version: unknown): string => {
    if (version === null) return 'nothing';
    const { version: number, author, at } = version as StateView;
    return `version ${word(number)} by ${word(author)}, ${dateTime(Date.parse(String(at)), zone)}`;
  };
  const head = `${word(diff['layer'])}: ${side(diff['from'])} → ${side(diff['to'])}`;
  if (lines.every(({ is }) => is === ' ')) return `${head}\n\nThe templates are the same.`;
  const tone = { ' ': paint.dim, '-': paint.bad, '+': paint.good };
  return [head, '', ...lines.map(({ is, text }) => tone[is](`${is} ${plain(text)}`))].join('\n');
}

export function removeLayer(this: CliContext, flags: CommonFlags, id: string): Promise<void> {
  return change(this, flags, {
    ...{ method: 'DELETE', path: path(id) },
    done: (layer) => `removed layer ${word(layer['id'])}`,
  });
}
