/**
 * Counts leaf tests for `scripts/test.ts`, and collects what failed, what was skipped with the reason that the test
 * gave, and how long each file took.
 */
import { relative } from 'node:path';

interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name: string;
    readonly details?: { readonly type?: string; readonly duration_ms?: number; readonly error?: TestError };
    readonly nesting?: number;
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly file?: string;
  };
}

interface TestError extends Error {
  readonly failureType?: string;
}

/** What the reporter prints, as one line of JSON. */
export interface Counts {
  pass: number;
  fail: number;
  readonly failed: string[];
  readonly skipped: string[];
  /** Milliseconds of each file. */
  readonly files: Record<string, number>;
}

export default async function* count(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts: Counts = { pass: 0, fail: 0, failed: [], skipped: [], files: {} };
  for await (const { type, data } of source) {
    const suite = data?.details?.type === 'suite';
    const file = relative(process.cwd(), data?.file ?? '');
    if (type === 'test:fail' && !suite) {
      counts.fail++;
      counts.failed.push(`${file}: ${data.name}: ${reasonOf(data.details?.error)}`);
    }
    if ((type === 'test:pass' || type === 'test:fail') && data.nesting === 0)
      counts.files[file] = (counts.files[file] ?? 0) + (data.details?.duration_ms ?? 0);
    // A suite that is skipped whole has no tests that could say so.
    if (type !== 'test:pass' || (suite && !data.skip)) continue;
    if (data.skip) counts.skipped.push(`${data.name}: ${data.skip === true ? 'no reason given' : data.skip}`);
    else counts.pass++;
  }
  yield `${JSON.stringify({ headgateCounts: counts })}\n`;
}

/** The first line of what went wrong, short enough for the end of a log. */
function reasonOf(error: TestError | undefined): string {
  const cause = error?.cause instanceof Error ? error.cause.message : String(error?.cause ?? error?.message ?? '');
  return cause.replace(/\s+/g, ' ').slice(0, 200);
}
