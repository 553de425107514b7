import { AnswerReading, isDrawn, isTextRule } from '#capabilities/tenants/index.ts';
import type { FeatureQuality } from '#capabilities/tenants/config.ts';
import type { Call, Exchange } from '../call.ts';

/** A caller's word that its text is not to be kept: no other model gets to see it either. */
const NO_CONTENT = 'x-headgate-no-content';

/** What reads the text of an answer, and who wants it. */
export interface CallReading {
  readonly quality: FeatureQuality;
  readonly answer: AnswerReading;
  /** Names of the judges that drew the call. */
  readonly judges: readonly string[];
}

export const qualityOf = ({ config }: Exchange, feature: string | null): FeatureQuality | undefined =>
  feature === null ? undefined : config.file.features[feature]?.quality;

/** Null, for one look-up: nobody wants the text of this call. */
export function readingOf({ exchange, facts }: Call): CallReading | null {
  const { feature } = facts.attribution;
  const quality = qualityOf(exchange, feature);
  if (quality === undefined || exchange.own !== null) return null;
  // The answer to a background call comes when nobody is there to read it.
  if (facts.dialect.kind !== 'generate' || facts.view.background) return null;
  const judges = drawnFor(quality, exchange, { feature: feature!, call: facts.id });
  if (judges.length === 0 && !quality.rules.some(isTextRule)) return null;
  return { quality, answer: new AnswerReading(quality.textBytes), judges };
}

function drawnFor(
  { judges }: FeatureQuality,
  { request }: Exchange,
  of: { readonly feature: string; readonly call: string },
): readonly string[] {
  const all = Object.entries(judges);
  if (all.length === 0 || request.headers[NO_CONTENT] !== undefined) return NOBODY;
  return all.filter(([judge, { sample }]) => isDrawn({ ...of, judge }, sample)).map(([judge]) => judge);
}

const NOBODY: readonly string[] = [];
