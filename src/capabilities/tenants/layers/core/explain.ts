import type { Effective } from './effective.ts';

/** One value of a call's configuration, and which version of which layer set it. */
export interface ExplainedRow {
  /** `template 1`, `alias fast`, `max maxOutputTokens`. */
  readonly field: string;
  /** Null: nobody gave one. */
  readonly value: string | null;
  readonly by: string | null;
  /** Why it does not count; null: it does. */
  readonly overruledBy: string | null;
}

/** What applies to a call, value by value, then what an outer layer has closed. */
export function explainedRows(effective: Effective): readonly ExplainedRow[] {
  return [
    ...templateRows(effective),
    ...mapRows('alias', effective.aliases),
    ...effective.tools.map(({ value, by }) => row('tools', value.join(' ') || 'none', by)),
    ...parameterRows(effective),
    ...(effective.regions === null
      ? []
      : [row('regions', effective.regions.value.join(' ') || 'none', effective.regions.by)]),
    ...isolationRows(effective),
    ...[...effective.ownKeys].map(([provider, { by }]) => row(`own key ${provider}`, 'set', by)),
    ...[...effective.locks].map(([field, by]) => row(`lock ${field}`, 'closed to inner layers', by)),
    ...effective.overruled.map(({ by, field, lockedBy }) => ({ field, value: null, by, overruledBy: lockedBy })),
  ];
}

const row = (field: string, value: string | null, by: string | null): ExplainedRow => ({
  field,
  value,
  by,
  overruledBy: null,
});

function templateRows({ templates }: Effective): ExplainedRow[] {
  return templates.flatMap(({ by, place, parts, bound, open }, i) => [
    row(
      `template ${i + 1} (${place})`,
      parts.map((part) => ('text' in part ? part.text : `{{${part.name}}}`)).join(''),
      by,
    ),
    ...[...bound].map(([name, setBy]) =>
      row(`variable ${name}`, open.has(name) ? 'the call may set it' : 'in place', setBy),
    ),
  ]);
}

function isolationRows({ isolation }: Effective): ExplainedRow[] {
  if (isolation === null) return [];
  const { preamble, hideCachedTokens, ttftQuantumMs } = isolation;
  return [
    ...(preamble ? [row('preamble', 'before each prompt', preamble.by)] : []),
    ...(hideCachedTokens ? [row('cached tokens', 'hidden', hideCachedTokens.by)] : []),
    ...(ttftQuantumMs ? [row('quantum of first tokens', `${ttftQuantumMs.value} ms`, ttftQuantumMs.by)] : []),
  ];
}

function mapRows(kind: string, map: ReadonlyMap<string, { readonly value: string; readonly by: string }>) {
  return [...map].map(([name, { value, by }]) => row(`${kind} ${name}`, value, by));
}

function parameterRows({ parameters }: Effective): ExplainedRow[] {
  return [...parameters].flatMap(([name, rule]) =>
    (['force', 'default', 'max'] as const).flatMap((part) => {
      const setting = rule[part];
      return setting === null ? [] : [row(`${part} ${name}`, String(setting.value), setting.by)];
    }),
  );
}
