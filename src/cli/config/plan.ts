import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { epochMs } from '#kernel/brand.ts';
import type { Diagnostic } from '#kernel/config/diagnostics.ts';
import { planDeclared, type DeclaredPlan, type PlannedStep } from '#capabilities/tenants/config.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import { openSqliteStateReadOnly } from '#stores/sqlite/state-store.ts';
import type { StateSnapshot } from '#ports/state-store.ts';
import { plain } from '../text.ts';
import { ASKER } from '../connect/source.ts';

const NOTHING: StateSnapshot = {
  tenants: [],
  teams: [],
  keys: [],
  budgets: [],
  limits: [],
  layers: [],
  prices: [],
  levers: [],
  tokens: [],
};

/** What the file would change in the state of a data folder. Read-only, beside a running gate or without one. */
export async function planAgainst(folder: string, { declared }: GateConfig, now: number): Promise<DeclaredPlan> {
  const path = join(folder, 'state.db');
  if (!existsSync(path)) return planDeclared(NOTHING, declared, epochMs(now));
  const state = openSqliteStateReadOnly(path);
  try {
    return planDeclared(await state.load(ASKER), declared, epochMs(now));
  } finally {
    await state.close();
  }
}

/** What the state refuses, in the form of every other problem of the file. */
export const refused = ({ refusals }: DeclaredPlan, { placeOf }: GateConfig): readonly Diagnostic[] =>
  refusals.map(({ path, message }) => ({
    code: 'config_conflict',
    path,
    ...placeOf(path.split('.')),
    message,
    hint: null,
  }));

const MARK = { new: '+', changed: '~', ends: '-' } as const;

/** `+ key.create  keys.web`, one line a row. */
export function planLines(folder: string, steps: readonly PlannedStep[]): string[] {
  if (steps.length === 0) return [`nothing would change in ${plain(folder)}`];
  const wide = (of: (step: PlannedStep) => string): number => Math.max(...steps.map((step) => of(step).length));
  const [actions, paths] = [wide(({ action }) => action), wide(({ path }) => path)];
  const lines = steps.map((step) =>
    `  ${MARK[step.kind]} ${step.action.padEnd(actions)}  ${plain(step.path).padEnd(paths)}  ${reason(step)}`.trimEnd(),
  );
  return [`${steps.length} ${steps.length === 1 ? 'row' : 'rows'} would change in ${plain(folder)}`, ...lines];
}

function reason({ kind, id, takenOver, changed }: PlannedStep): string {
  if (kind === 'new') return '';
  if (kind === 'ends') return `${id}: its declaration is gone`;
  const what = changed.length > 0 ? changed.join(', ') : 'nothing but its place in the file';
  return takenOver ? `takes over ${id}: ${what}` : what;
}
