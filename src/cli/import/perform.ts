/** From a plan to what is written: shows it, asks, writes the file, makes the state. */
import { show, type CliContext } from '../context.ts';
import { EXIT } from '../failure.ts';
import { confirmed } from './confirm.ts';
import { drawApplied, drawImport } from './draw.ts';
import { NO_STATE, type Finding, type WantedConfig, type WantedState } from './plan.ts';
import { importReport, isWhole, type ImportReport } from './report.ts';
import { applyState } from './state-apply.ts';
import { diffState, NOTHING_YET } from './state-diff.ts';
import { findTarget, type Target } from './target.ts';
import { configText, writeConfig } from './write-config.ts';

export interface ImportFlags {
  readonly json: boolean;
  readonly data?: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly force: boolean;
  readonly out: string;
}

export interface Imported {
  readonly from: string;
  readonly sources: readonly string[];
  readonly config: WantedConfig;
  /** Null: no state was read. */
  readonly state: WantedState | null;
  readonly findings: readonly Finding[];
}

export async function perform(context: CliContext, flags: ImportFlags, imported: Imported): Promise<void> {
  const { state, config } = imported;
  const target = state === null ? null : await findTarget(context, flags.data);
  const diff = diffState(state ?? NO_STATE, target?.existing ?? NOTHING_YET);
  const hasConfig = Object.keys(config.providers).length > 0;
  const report = importReport({ ...imported, diff, file: hasConfig ? flags.out : null, target: target?.name ?? null });
  const text = hasConfig ? configText(config, imported.sources.join(', ')) : null;
  const work = { report, text, target, create: diff.create };
  if (flags.dryRun) return finish(context, flags, report);
  if (flags.yes) return finish(context, flags, { ...report, applied: await carryOut(context, flags, work) });
  // The plan is what is agreed to: it stands before the question, and is not repeated after it.
  context.terminal.note(drawImport(report, context.terminal));
  if (!(await confirmed(context, 'Do this?'))) return;
  const applied = { ...report, applied: await carryOut(context, flags, work) };
  finish(context, flags, applied, drawApplied);
}

const PROGRESS_LINES = 20;

interface Work {
  readonly report: ImportReport;
  readonly text: string | null;
  readonly target: Target | null;
  readonly create: WantedState;
}

async function carryOut(
  context: CliContext,
  flags: ImportFlags,
  work: Work,
): Promise<NonNullable<ImportReport['applied']>> {
  if (work.text !== null) writeConfig(flags.out, work.text, flags.force);
  const wrote = work.text === null ? null : flags.out;
  if (!work.target) return { wrote, made: 0, conflicts: [] };
  const admin = await work.target.open();
  const total = Object.values(work.create).reduce((sum, list) => sum + list.length, 0);
  const keys = work.target.existing.keys.map(
    ({ id, tenant, name }) => [`${String(tenant)} ${String(name)}`, String(id)] as const,
  );
  try {
    // Where stderr is a file, each of these is a line.
    const step = Math.max(1, Math.floor(total / PROGRESS_LINES));
    const { made, taken } = await applyState(admin, { create: work.create, keys }, (done) => {
      if (done % step === 0 || done === total) context.terminal.progress(`${done}/${total} made`);
    });
    return { wrote, made, conflicts: taken.map(({ name }) => name) };
  } finally {
    context.terminal.progress('');
    await admin.close();
  }
}

function finish(
  context: CliContext,
  { json }: ImportFlags,
  report: ImportReport,
  draw: (report: ImportReport) => string = (value) => drawImport(value, context.terminal),
): void {
  show(context, { json, report, draw });
  if (!isWhole(report)) context.exit(EXIT.gateFailed);
}
