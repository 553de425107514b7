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
    if (data?.details?.type === 'suite') continue;
    if (type === 'test:fail') counts.fail++;
    if (type !== 'test:pass') continue;
    if (data.skip) counts.skipped.push(`${data.name}: ${data.skip === true ? 'no reason given' : data.skip}`);
    else counts.pass++;
  }
  yield `${JSON.stringify({ headgateCounts: counts })}\n`;
}
