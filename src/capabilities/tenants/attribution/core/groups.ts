/** One level of a bill: lines gathered by tenant, by feature, or one by one. Sums of a level are the line above. Pure. */
import { nanoUsd, type NanoUsd } from '#kernel/money.ts';
import type { AttributionLine, Purpose, ShareRule } from './attribute.ts';
import { partOf, type Part } from './parts.ts';

/** What a level is of. `undefined`: of all; `null`: of the lines without one. */
export interface LevelOf {
  readonly tenant?: string | null | undefined;
  readonly feature?: string | null | undefined;
}

export interface BillGroup {
  /** Tenant or feature; null: nobody, or calls that named none. */
  readonly name: string | null;
  readonly amountNanoUsd: NanoUsd;
  /** Parts in which there is any money. */
  readonly parts: readonly { readonly part: Part; readonly amountNanoUsd: NanoUsd }[];
}

/** Money that is divided among tenants, with what went through it in all. */
export interface BillBucket {
  readonly bucket: string;
  readonly provider: string | null;
  readonly purpose: Purpose;
  readonly rule: ShareRule | null;
  readonly amountNanoUsd: NanoUsd;
  /** Tenants that have a share; 0: nobody called, and it stays whole. */
  readonly tenants: number;
}

export const sumOf = (lines: readonly AttributionLine[]): NanoUsd =>
  nanoUsd(lines.reduce((sum, { amountNanoUsd }) => sum + amountNanoUsd, 0n));

export const linesOf = (lines: readonly AttributionLine[], { tenant, feature }: LevelOf): readonly AttributionLine[] =>
  lines.filter(
    (line) => (tenant === undefined || line.tenant === tenant) && (feature === undefined || line.feature === feature),
  );

/** The dearest first, those of one price by name. */
export function billGroups(lines: readonly AttributionLine[], by: 'tenant' | 'feature'): readonly BillGroup[] {
  const groups = [...Map.groupBy(lines, (line) => line[by])].map(([name, own]) => groupOf(name, own));
  return groups.sort((a, b) => dearer(a.amountNanoUsd, b.amountNanoUsd) || ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
}

function groupOf(name: string | null, lines: readonly AttributionLine[]): BillGroup {
  const parts = [...Map.groupBy(lines, partOf)].map(([part, own]) => ({ part, amountNanoUsd: sumOf(own) }));
  return { name, amountNanoUsd: sumOf(lines), parts };
}

export function billBuckets(lines: readonly AttributionLine[]): readonly BillBucket[] {
  const shared = lines.filter(({ bucket }) => bucket !== null);
  return [...Map.groupBy(shared, bucketKey).values()]
    .map((own): BillBucket => {
      const { bucket, provider, purpose, rule } = own[0]!;
      const tenants = new Set(own.map(({ tenant }) => tenant).filter((tenant) => tenant !== null));
      return { bucket: bucket!, provider, purpose, rule, amountNanoUsd: sumOf(own), tenants: tenants.size };
    })
    .sort((a, b) => dearer(a.amountNanoUsd, b.amountNanoUsd));
}

/** Name of what is divided as one: shares of one key sum to its amount. */
export const bucketKey = ({ bucket, provider, purpose }: Pick<AttributionLine, 'bucket' | 'provider' | 'purpose'>) =>
  JSON.stringify([bucket, provider, purpose]);

const dearer = (a: bigint, b: bigint): number => (a === b ? 0 : a > b ? -1 : 1);
