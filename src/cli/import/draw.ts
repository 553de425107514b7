/** The plan of an import, as Terraform draws one: what comes, what is there, what stays behind. Pure. */
import { parseUsd } from '#kernel/money.ts';
import { money } from '../format.ts';
import type { Terminal } from '../terminal.ts';
import { plain, wrap } from '../text.ts';
import type { Finding, FindingKind, WantedBudget, WantedDeployment } from './plan.ts';
import type { ImportReport } from './report.ts';

type Screen = Pick<Terminal, 'width' | 'paint'>;
/** Lines longer than this are hard to read, however wide the terminal. */
const READABLE = 110;

export function drawImport(report: ImportReport, screen: Screen): string {
  const { findings } = report;
  const blocks = [
    [`import from ${report.from}: ${plain(report.sources.join(', '))}`],
    configLines(report, screen),
    stateLines(report, screen),
    ...(['left', 'changed', 'note'] as const).map((kind) => findingLines(kind, findings, screen)),
    [report.applied ? drawApplied(report) : `${summary(report)}; nothing is changed yet`],
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

/** `+` and the words: what is new is not said by colour alone. */
const added = (text: string, { paint }: Screen): string => `  ${paint.good('+')} ${plain(text)}`;
const padded = (text: string): string => text.padEnd(28);

function configLines({ config }: ImportReport, screen: Screen): string[] {
  const { file, providers, models, prices, attempts } = config;
  if (file === null) return [];
  const lines = [
    ...Object.entries(providers).map(([name, { kind, baseUrl, apiKey }]) =>
      [`provider ${padded(name)}`, kind === name ? '' : kind, baseUrl ?? '', apiKey ?? ''].filter(Boolean).join('  '),
    ),
    ...Object.entries(models).map(([name, deployments]) => `model    ${padded(name)}  ${servedBy(deployments)}`),
    ...prices.map(
      ({ provider, model, perMillion }) => `price    ${padded(`${provider}/${model}`)}  ${pricesText(perMillion)}`,
    ),
    ...(attempts === null ? [] : [`retry    attempts ${attempts}, fallbacks included`]),
  ];
  return [`configuration, into ${plain(file)}`, ...lines.map((line) => added(line, screen))];
}

/** `openai/gpt-4o ×3, azure/gpt-4o, then anthropic/claude` */
function servedBy(deployments: readonly WantedDeployment[]): string {
  const orders = [...Map.groupBy(deployments, ({ order = 0 }) => order)].sort(([a], [b]) => a - b);
  return orders
    .map(([, group]) =>
      group
        .map(
          ({ provider, model = '(as asked)', weight }) =>
            `${provider}/${model}${weight === undefined ? '' : ` ×${weight}`}`,
        )
        .join(', '),
    )
    .join(', then ');
}

const pricesText = (perMillion: Readonly<Record<string, string>>): string =>
  `${Object.entries(perMillion)
    .map(([bucket, price]) => `${bucket} $${price}`)
    .join(' · ')} a million tokens`;

function stateLines({ state }: ImportReport, screen: Screen): string[] {
  const { target, tenants, teams, keys, budgets, there } = state;
  if (target === null) return [];
  const lines = [
    ...tenants.map(({ id, name }) => `tenant ${padded(id)}  ${name === id ? '' : name}`),
    ...teams.map(({ id, slug, name }) => `team   ${padded(id)}  ${name === slug ? '' : name}`),
    ...keys.map((key) =>
      [
        `key    ${padded(key.name)}`,
        key.team ?? key.tenant,
        modelsText(key.models),
        key.expiresAt ? `until ${key.expiresAt.slice(0, 10)}` : '',
      ]
        .filter(Boolean)
        .join('  '),
    ),
    ...budgets.map((budget) => `budget ${padded(ownerText(budget))}  ${budgetText(budget)}`),
  ].map((line) => added(line.trimEnd(), screen));
  const kept = Object.entries(there).filter(([, count]) => count > 0);
  return [
    `state, into ${plain(target)}`,
    ...lines,
    ...(kept.length > 0 ? [`  = there already: ${kept.map(([kind, count]) => counted(count, kind)).join(', ')}`] : []),
    ...(lines.length === 0 && kept.length === 0 ? ['  nothing'] : []),
  ];
}

const modelsText = (models: readonly string[] | null): string => (models === null ? 'all models' : models.join(', '));
const ownerText = ({ level, tenant, subject }: WantedBudget): string => `${level} ${subject ?? tenant}`;

function budgetText({ limitUsd, window, timeZone, opening }: WantedBudget): string {
  const per =
    window === 'total' ? 'in all' : /^\d/.test(window) ? `per rolling ${window}` : `a ${window} (${timeZone})`;
  const before = opening ? `, of it ${money(parseUsd(opening.spentUsd))} spent before` : '';
  return `${money(parseUsd(limitUsd))} ${per}${before}`;
}

const TITLES: Readonly<Record<FindingKind, string>> = {
  left: 'not carried over',
  changed: 'carried over, and different here',
  note: 'for your knowledge',
};

/** Findings that say the same of many places are one. */
function findingLines(kind: FindingKind, findings: readonly Finding[], screen: Screen): string[] {
  const mine = findings.filter((finding) => finding.kind === kind);
  if (mine.length === 0) return [];
  const groups = Map.groupBy(mine, ({ what, why, remedy }) =>
    JSON.stringify([what.replace(/\[\d+\]/g, '[]'), why, remedy]),
  );
  const width = Math.min(screen.width, READABLE);
  const title = `${TITLES[kind]}: ${mine.length}`;
  const tone = kind === 'left' ? screen.paint.warn : screen.paint.dim;
  return [
    tone(title),
    ...[...groups.values()].flatMap((group) => {
      const [{ what, why, remedy }] = group as [Finding];
      return [
        `  ${kind === 'left' ? '-' : kind === 'changed' ? '~' : '·'} ${plain(what)}   ${plain(placesText(group))}`,
        `      ${wrap(plain(why), width - 6, '      ')}`,
        ...(remedy === null ? [] : [`      → ${wrap(plain(remedy), width - 8, '        ')}`]),
      ];
    }),
  ];
}

const PLACES_SHOWN = 3;
function placesText(group: readonly Finding[]): string {
  const places = [...new Set(group.map(({ place }) => place))];
  const more = places.length - PLACES_SHOWN;
  return places.slice(0, PLACES_SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

const counted = (count: number, plural: string): string =>
  `${count} ${count === 1 ? plural.replace(/s$/, '') : plural}`;

function summary({ config, state, findings }: ImportReport): string {
  const made = [
    ...(config.file === null
      ? []
      : [
          counted(Object.keys(config.providers).length, 'providers'),
          counted(Object.keys(config.models).length, 'models'),
        ]),
    ...(state.target === null
      ? []
      : (['tenants', 'teams', 'keys', 'budgets'] as const).map((kind) => counted(state[kind].length, kind))),
  ];
  const left = findings.filter(({ kind }) => kind === 'left').length;
  return `plan: ${made.join(', ')} to make; ${left === 0 ? 'everything is carried over' : `${left} not carried over`}`;
}

/** What was done, after a plan that was shown before. */
export function drawApplied({ applied, state }: ImportReport): string {
  const { wrote, made, conflicts } = applied!;
  return [
    ...(wrote === null ? [] : [`wrote ${plain(wrote)}`]),
    ...(state.target === null ? [] : [`made ${counted(made, 'objects')} in ${plain(state.target)}`]),
    ...(conflicts.length === 0
      ? []
      : [`another key has the secret of ${conflicts.map(plain).join(', ')}: not imported again`]),
    ...(wrote === null ? [] : ['hint: headgate check ' + plain(wrote) + ', then join it with your headgate.yaml']),
  ].join('\n');
}
