/** Months' bills, kept for a while: who looks through one asks for it many times. */
import type { EpochMs } from '#kernel/brand.ts';
import { KeptAnswers, type Kept } from '#kernel/kept-answers.ts';
import { jsonView } from '../admin/views.ts';
import { billLevel, type LevelAsked } from './level.ts';
import { monthAt, monthWindow, type MonthWindow } from './core/months.ts';
import {
  attributionReport,
  closeMonth,
  marginReport,
  marginsOf,
  type Asked,
  type AttributionReport,
  type MarginReport,
} from './report.ts';
import type { AttributionSettings } from './settings.ts';

/**
 * Bills of months (`2026-11`; undefined: that of now). Whole ones have a line for each tenant, feature and purpose, and
 * are the JSON text that the admin API answers.
 */
export interface Books {
  report(month: string | undefined): Promise<string>;
  margin(month: string | undefined): Promise<string>;
  /** A little old at most; up to ten minutes while a younger one is made. */
  margins(month: string | undefined): Promise<Kept<MarginReport>>;
  /** One level of a bill of the same age. */
  level(month: string | undefined, asked: LevelAsked): Promise<object>;
  close(month: string, now: EpochMs): Promise<string>;
}

interface Sources {
  readonly ledger: Asked['ledger'];
  readonly settings: () => AttributionSettings;
  /** Name of the plan that a tenant is on; null: none. */
  readonly planOf: (tenant: string) => string | null;
  readonly now: () => EpochMs;
}

/** A month's charges are the dearest question there is: seconds where 10,000 tenants called. */
const AGES = { most: 4, freshMs: 2_000, staleMs: 600_000 } as const;

/** The window of a named month, or of that of now. */
export const windowOfMonth = (month: string | undefined, timeZone: string, now: EpochMs): MonthWindow =>
  month === undefined ? monthAt(now, timeZone) : monthWindow(month, timeZone)!;

const textOf = (report: AttributionReport | MarginReport): string => JSON.stringify(jsonView(report));

export class MonthBooks implements Books {
  readonly #sources: Sources;
  readonly #bills: KeptAnswers<AttributionReport>;
  readonly #margins: KeptAnswers<MarginReport>;

  constructor(sources: Sources) {
    this.#sources = sources;
    this.#bills = new KeptAnswers({ ...AGES, now: sources.now });
    this.#margins = new KeptAnswers({ ...AGES, now: sources.now });
  }

  #asked(month: string | undefined): Asked {
    const { ledger, settings: settingsOf, now } = this.#sources;
    const settings = settingsOf();
    return { ledger, settings, window: windowOfMonth(month, settings.timeZone, now()) };
  }

  async report(month: string | undefined): Promise<string> {
    return textOf(await attributionReport(this.#asked(month)));
  }

  async margin(month: string | undefined): Promise<string> {
    return textOf(await marginReport({ ...this.#asked(month), planOf: this.#sources.planOf }));
  }

  margins(month: string | undefined): Promise<Kept<MarginReport>> {
    const { planOf } = this.#sources;
    const asked = this.#asked(month);
    return this.#margins.get(asked.window.month, async () =>
      marginsOf((await this.#bill(asked)).value, { ...asked, planOf }),
    );
  }

  async level(month: string | undefined, asked: LevelAsked): Promise<object> {
    return billLevel(await this.#bill(this.#asked(month)), asked);
  }

  async close(month: string, now: EpochMs): Promise<string> {
    return textOf(await closeMonth(this.#asked(month), now));
  }

  #bill(asked: Asked): Promise<Kept<AttributionReport>> {
    return this.#bills.get(asked.window.month, () => attributionReport(asked));
  }
}
