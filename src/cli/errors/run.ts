import { didYouMean } from '#kernel/config/diagnostics.ts';
import { ERRORS, type ErrorCode } from '#kernel/errors.ts';
import { show, type CliContext } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';
import { drawTable } from '../table.ts';
import { wrap } from '../text.ts';

export interface ErrorsFlags {
  readonly json: boolean;
}

type Row = (typeof ERRORS)[ErrorCode] & { readonly code: ErrorCode };

interface ErrorsReport {
  readonly report: 'errors';
  readonly errors: readonly Row[];
}

export async function errors(this: CliContext, flags: ErrorsFlags, code?: string): Promise<void> {
  const all = Object.entries(ERRORS).map(([name, row]) => ({ code: name as ErrorCode, ...row }));
  const report: ErrorsReport = {
    report: 'errors',
    errors: code === undefined ? all : all.filter((row) => row.code === code),
  };
  if (report.errors.length === 0) {
    throw new CliFailure({
      code: 'not_found',
      message: `There is no error code ${code}.`,
      hint: didYouMean(code ?? '', Object.keys(ERRORS)) ?? 'headgate errors lists all',
      exit: EXIT.usage,
    });
  }
  show(this, {
    json: flags.json,
    report,
    draw: (value) => (code === undefined ? drawAll(value, this) : drawOne(value, this)),
  });
}

const WHO = { caller: 'the caller', operator: 'the operator', provider: 'the provider', us: 'Headgate' } as const;

function drawAll({ errors: rows }: ErrorsReport, { terminal }: CliContext): string {
  const table = {
    columns: [
      { title: 'code' },
      { title: 'status', align: 'right' },
      { title: 'who acts', leaves: 2 },
      { title: 'retry', leaves: 1 },
      { title: 'meaning', shrinkTo: 20 },
    ],
    rows: rows.map(({ code, status, actor, retryable, message }) => [
      code,
      String(status),
      WHO[actor],
      retryable ? 'yes' : 'no',
      message,
    ]),
  } as const;
  const { lines } = drawTable(table, { width: terminal.width, heading: terminal.paint.dim });
  return [...lines, '', 'hint: headgate errors <code>   how to mend it'].join('\n');
}

function drawOne({ errors: [row] }: ErrorsReport, { terminal }: CliContext): string {
  const { code, status, actor, retryable, message, hint, openai, anthropic } = row!;
  return [
    terminal.paint.bold(code),
    wrap(message, terminal.width),
    '',
    `status       ${status}, ${retryable ? 'the same request may succeed later' : 'the same request will fail again'}`,
    `who acts     ${WHO[actor]}`,
    `on the wire  type ${openai} (OpenAI), ${anthropic} (Anthropic), code ${code}`,
    '',
    wrap(`hint: ${hint}`, terminal.width),
  ].join('\n');
}
