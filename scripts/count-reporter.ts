/** Counts leaf tests for `scripts/test.ts` and collects what was skipped, with the reason that the test gave. */
interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name: string;
    readonly details?: { readonly type?: string };
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly file?: string;
  };
}

export default async function* count(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts = { pass: 0, fail: 0, skipped: [] as string[] };
  for await (const { type, data } of source) {
    const suite = data?.details?.type === 'suite';
    if (type === 'test:fail' && !suite) counts.fail++;
    // A suite that is skipped whole has no tests that could say so.
    if (type !== 'test:pass' || (suite && !data.skip)) continue;
    if (data.skip) counts.skipped.push(`${data.name}: ${data.skip === true ? 'no reason given' : data.skip}`);
    else counts.pass++;
  }
  yield `${JSON.stringify({ headgateCounts: counts })}\n`;
}
