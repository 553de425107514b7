import { z } from 'zod';
import { duration, size } from '#kernel/config/primitives.ts';
import { linearRegex } from '#math/regex/linear-regex.ts';
import { usd } from '../admin/fields.ts';
import { readSchema } from './core/json-schema.ts';
import { QUALITY_RULES } from './core/rules.ts';

const regex = z
  .string()
  .min(1)
  .max(1_000)
  .superRefine((source, context) => {
    const made = linearRegex(source);
    if (!made.ok) context.addIssue({ code: 'custom', message: made.error });
  })
  .describe('Matched anywhere in the text, in time linear in it: no references to groups, no looking around.');

const schema = z
  .record(z.string(), z.unknown())
  .superRefine((value, context) => {
    const made = readSchema(value);
    if (!made.ok) context.addIssue({ code: 'custom', message: `is no JSON Schema that is checked: ${made.error}` });
  })
  .describe('JSON Schema, draft 2020-12.');

const format = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('request') }),
    z.strictObject({ kind: z.literal('json') }),
    z.strictObject({ kind: z.literal('schema'), schema }),
    z.strictObject({ kind: z.literal('regex'), regex }),
  ])
  .prefault({ kind: 'request' })
  .describe(
    'Of the rule `format`, what an answer has to be: `request`, what its call asks for (`response_format` and its like; a call that asks for nothing gives no score); `json`; `schema`; `regex`. Default: request.',
  );

const judge = z
  .strictObject({
    model: z.string().min(1).max(128).describe('Name of `models` that judges.'),
    version: z
      .union([z.string(), z.number().transform(String)])
      .pipe(z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,31}$/, 'letters, digits and _ . -, at most 32 characters'))
      .describe(
        'Of the rubric, as people call it. Whatever else here changes what is judged opens a new past as well.',
      ),
    rubric: z.string().min(1).max(20_000).describe('What makes an answer good, in the words that the judge gets.'),
    scale: z
      .enum(['binary', 'graded'])
      .default('binary')
      .describe('`binary`: 0 or 1; `graded`: any number from 0 to 1.'),
    sees: z
      .enum(['answer', 'exchange'])
      .default('exchange')
      .describe('`exchange`: the last words of the user as well.'),
    sample: z.number().min(0).max(1).describe('Share of calls that are judged, drawn by a hash of their id.'),
    maxPerHour: z.number().int().min(0).max(1_000_000).default(100).describe('Of one gate, by hours of UTC.'),
    maxPerDay: z.number().int().min(0).max(10_000_000).default(1_000).describe('Of one gate, by days of UTC.'),
    budgetPerDay: usd.describe('Dollars of one gate a day of UTC; the calls under way when it is spent come on top.'),
    timeout: duration({ min: '100ms', max: '10m' }).default(30_000).describe('Of one judgement, over all attempts.'),
    maxOutputTokens: z.number().int().min(16).max(100_000).default(512).describe('A judge that thinks needs more.'),
  })
  .describe('A model that scores a sample of answers, as calls of the kind `eval` of the tenant that it judges.');

/** `quality` of a feature. */
export const featureQuality = z
  .strictObject({
    rules: z
      .array(z.enum(QUALITY_RULES))
      .default([])
      .describe(
        'Scores that each call gives by itself: refused, cut off by its length, failed, asked again; not in the form that was wanted, a tool called wrongly or failed.',
      ),
    format,
    textBytes: size({ min: '1KB', max: '1MiB' })
      .default(64 * 1024)
      .describe(
        'Of the text of one answer, for `format`, `toolFailure` and judges; a longer one is not scored by them.',
      ),
    basis: z
      .array(z.string().regex(/^[a-zA-Z][a-zA-Z0-9_.-]{0,31}$/, 'is a label'))
      .max(4)
      .default([])
      .describe('Labels whose value makes another basis, as another model does: the version of a chunker or a prompt.'),
    judges: z
      .record(
        z.string().regex(/^[a-z][a-z0-9_.-]{0,63}$/, 'a small letter, then small letters, digits and _ . -'),
        judge,
      )
      .default({})
      .describe('By the name of the score.'),
  })
  .optional()
  .describe('How the quality of answers is followed, tenant by tenant.');

export type FeatureQuality = NonNullable<z.output<typeof featureQuality>>;
export type JudgeConfig = FeatureQuality['judges'][string];

/** What names something that is not there. */
export function qualityFaults(
  features: Readonly<Record<string, { readonly quality?: FeatureQuality | undefined }>>,
  known: { readonly labels: readonly string[]; readonly hasModel: (name: string) => boolean },
): { readonly path: readonly (string | number)[]; readonly wrong: string; readonly among: 'labels' | 'models' }[] {
  return Object.entries(features).flatMap(([feature, { quality }]) => [
    ...(quality?.basis ?? []).flatMap((label, i) =>
      known.labels.includes(label)
        ? []
        : [{ path: ['features', feature, 'quality', 'basis', i], wrong: label, among: 'labels' as const }],
    ),
    ...Object.entries(quality?.judges ?? {}).flatMap(([name, { model }]) =>
      known.hasModel(model)
        ? []
        : [{ path: ['features', feature, 'quality', 'judges', name, 'model'], wrong: model, among: 'models' as const }],
    ),
  ]);
}
