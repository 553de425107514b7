import { z } from 'zod';
import { iso } from '#kernel/clock.ts';
import { HeadgateError } from '#kernel/errors.ts';
import {
  EXPORT_FORMATS,
  exportText,
  exportWindow,
  type ExportFormat,
  type ExportQuestion,
} from '#ledger/export/index.ts';
import type { LedgerFilter } from '#ports/ledger-store.ts';
import type { AdminContext } from './context.ts';
import { filterOf, filters } from './ledger-routes.ts';
import { route, type AdminRoute } from './route.ts';
import { StreamedAnswer } from './streamed.ts';

/** Each reads the whole window while it runs: more at once would only slow one another and the shipping of entries. */
const MOST_EXPORTS = 2;

const CONTENT_TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  focus: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/jsonl',
};

/** Calls of a window as a file, sent page by page. */
export function exportRoute(context: AdminContext): AdminRoute {
  let running = 0;
  async function* counted(question: ExportQuestion): AsyncGenerator<string> {
    if (running >= MOST_EXPORTS)
      throw new HeadgateError('overloaded', { message: `${MOST_EXPORTS} exports are under way: wait for one to end.` });
    running += 1;
    try {
      yield* exportText(context.ledger, question);
    } finally {
      running -= 1;
    }
  }
  return route('GET /admin/export', {
    tag: 'ledger',
    summary: 'Calls of a window as CSV, as FOCUS 1.2 rows or as JSON lines, streamed',
    query: z.strictObject({
      ...filters,
      format: z.enum(EXPORT_FORMATS).default('csv'),
      period: z
        .enum(['hour', 'day'])
        .default('day')
        .describe('Of FOCUS alone: what a row sums. The window grows to whole ones, in UTC.'),
    }),
    run: async (_, { format, period, ...question }, { whose }) => {
      const filter = filterOf(question, context.clock.now(), whose) as LedgerFilter;
      const { directory } = context.tenants;
      const asked = { format, period, filter, tenantName: (id: string) => directory.tenant(id)?.name ?? id };
      const day = (at: number): string => iso(at).slice(0, 10);
      const { from, to } = exportWindow(asked);
      return new StreamedAnswer({
        contentType: CONTENT_TYPES[format],
        fileName: `headgate-${day(from)}-${day(to - 1)}.${format === 'jsonl' ? 'jsonl' : `${format === 'csv' ? 'calls' : 'focus'}.csv`}`,
        chunks: counted(asked),
      });
    },
  });
}
