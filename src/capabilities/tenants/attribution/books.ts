/** Months' bills, kept for a while: who looks through one asks for it many times. */
import type { EpochMs } from '#kernel/brand.ts';
import { KeptAnswers, type Kept } from '#kernel/kept-answers.ts';
import { monthAt, monthWindow } from './core/months.ts';
import { attributionReport, marginsOf, type Asked, type AttributionReport, type MarginReport } from './report.ts';
import type { AttributionSettings } from './settings.ts';

interface Sources {
  readonly ledger: Asked['ledger'];
  readonly settings: () => AttributionSettings;
  /** Name of the plan that a tenant is on; null: none. */
  readonly planOf: (tenant: string) => string | null;
  readonly now: () => EpochMs;
}

/** A month's charges are the dearest question there is: seconds where 10,000 tenants called. */
const AGES = { most: 4, freshMs: 2_000, staleMs: 600_000 } as const;

export class MonthBooks {
  readonly #sources: Sources;
  readonly #bills: KeptAnswers<AttributionReport>;
  readonly #margins: KeptAnswers<MarginReport>;

  constructor(sources: Sources) {
    this.#sources = sources;
    this.#bills = new KeptAnswers({ ...AGES, now: sources.now });
    this.#margins = new KeptAnswers({ ...AGES, now: sources.now });
  }

  /** What a question about a month asks the ledger; `month`: `2026-11`, default: that of now. */
  asked(month: string | undefined): Asked {
    const { ledger, settings: settingsOf, now } = this.#sources;
    const settings = settingsOf();
    const window = month === undefined ? monthAt(now(), settings.timeZone) : monthWindow(month, settings.timeZone)!;
    return { ledger, settings, window };
  }

  /** A little old at most; up to ten minutes while a younger one is made. */
  bill(month: string | undefined): Promise<Kept<AttributionReport>> {
    const asked = this.asked(month);
    return this.#bills.get(asked.window.month, () => attributionReport(asked));
  }

  /** The same of what tenants pay. */
  margins(month: string | undefined): Promise<Kept<MarginReport>> {
    const { planOf } = this.#sources;
    const asked = this.asked(month);
    return this.#margins.get(asked.window.month, async () =>
      marginsOf((await this.bill(month)).value, { ...asked, planOf }),
    );
  }
}
