import { resolve } from 'node:path';
import { ConfigError, renderDiagnostic, type Diagnostic } from '#kernel/config/diagnostics.ts';
import { readConfig } from '#kernel/config/read.ts';
import { resolveConfig, type GateConfig } from '#gateway/config/resolve.ts';
import { configSchema } from '#gateway/config/schema.ts';
import { readText } from '../connect/address.ts';
import { show, type CliContext } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';
import { plain } from '../text.ts';
import { planAgainst, planLines, refused } from './plan.ts';
import type { PlannedStep } from '#capabilities/tenants/config.ts';

export interface CheckFlags {
  readonly json: boolean;
  readonly plan: boolean;
  readonly data?: string;
}

interface CheckReport {
  readonly report: 'check';
  readonly file: string;
  readonly ok: boolean;
  readonly problems: readonly Diagnostic[];
  /** Null where there are problems. */
  readonly found: {
    readonly providers: readonly string[];
    readonly models: readonly string[];
    readonly features: readonly string[];
    readonly tenants: readonly string[];
    readonly keys: readonly string[];
    readonly budgets: readonly string[];
    readonly usageLimits: readonly string[];
  } | null;
  /** What the file would change in the state; null: not asked, or there are problems. */
  readonly plan: { readonly data: string; readonly steps: readonly PlannedStep[] } | null;
}

export async function check(this: CliContext, flags: CheckFlags, named?: string): Promise<void> {
  const file = named ?? this.env['HEADGATE_CONFIG'] ?? 'headgate.yaml';
  const text = readText(resolve(file));
  if (text === null) {
    const hint = named === undefined ? '`headgate init` writes one' : 'check the path';
    throw new CliFailure({ code: 'config_missing', message: `There is no file ${file}.`, hint, exit: EXIT.usage });
  }
  const folder = flags.plan ? (flags.data ?? this.env['HEADGATE_DATA'] ?? null) : undefined;
  const report = await checked({ path: file, text, env: this.env, folder, now: this.now() });
  show(this, { json: flags.json, report, draw });
  if (!report.ok) this.exit(EXIT.usage);
}

interface Asked {
  readonly path: string;
  readonly text: string;
  readonly env: CliContext['env'];
  /** Whose state the file is planned against; null: that of the file's own `dataDir`; undefined: none. */
  readonly folder: string | null | undefined;
  readonly now: number;
}

async function checked({ path, text, env, folder, now }: Asked): Promise<CheckReport> {
  const base = { report: 'check', file: path } as const;
  const bad = (problems: readonly Diagnostic[]): CheckReport => {
    return { ...base, ok: false, problems: problems.toSorted(byLine), found: null, plan: null };
  };
  try {
    const config = resolveConfig(readConfig(text, path, configSchema), { text, path, hash: '', env, loadedS: 0 });
    const good = { ...base, ok: true, problems: [], found: contents(config), plan: null };
    if (folder === undefined) return good;
    const data = resolve(folder ?? config.file.dataDir);
    const plan = await planAgainst(data, config, now);
    return plan.refusals.length > 0 ? bad(refused(plan, config)) : { ...good, plan: { data, steps: plan.steps } };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return bad(error.diagnostics);
  }
}

/** In the order of the file; what has no line comes last. */
const byLine = (a: Diagnostic, b: Diagnostic): number => (a.line ?? Infinity) - (b.line ?? Infinity) || 0;

const contents = ({ providers, file }: GateConfig) => ({
  providers: [...providers.keys()],
  models: Object.keys(file.models),
  features: Object.keys(file.features),
  tenants: Object.keys(file.tenants),
  keys: Object.keys(file.keys),
  budgets: Object.keys(file.budgets),
  usageLimits: Object.keys(file.usageLimits),
});

/** Most files declare none of them: that is no news. */
const DECLARED: ReadonlySet<string> = new Set(['tenants', 'keys', 'budgets', 'usageLimits']);
const MOST_NAMES = 24;

function namesText(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const rest = names.length - MOST_NAMES;
  return plain(names.slice(0, MOST_NAMES).join(', ')) + (rest > 0 ? ` and ${rest} more` : '');
}

function draw({ file, problems, found, plan }: CheckReport): string {
  if (found) {
    const lines = Object.entries(found)
      .filter(([what, names]) => names.length > 0 || !DECLARED.has(what))
      .map(([what, names]) => `  ${what.padEnd(11)} ${namesText(names)}`);
    const planned = plan ? ['', ...planLines(plan.data, plan.steps)] : [];
    return [`${file} is good`, ...lines, ...planned].join('\n');
  }
  const count = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in ${file}`;
  return [
    ...problems.map((problem) => renderDiagnostic(file, problem)),
    count,
    'hint: mend them from the top and run `headgate check` again',
  ].join('\n\n');
}
