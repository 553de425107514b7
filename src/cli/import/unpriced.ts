import { epochMs } from '#kernel/brand.ts';
import { loadPublicList, VersionedPriceBook } from '#ledger/prices/index.ts';
import { PROVIDERS } from '#providers/index.ts';
import type { Findings, WantedConfig } from './plan.ts';

/** A model whose price is not known is refused under a budget here, where the earlier gateway counted it as free. */
export async function listUnpriced(
  config: WantedConfig,
  now: number,
  place: string,
  findings: Findings,
): Promise<void> {
  const book = await priceBook(config);
  const seen = new Set<string>();
  for (const deployments of Object.values(config.models)) {
    for (const { provider, model } of deployments) {
      const name = `${provider}/${model ?? ''}`;
      if (model === undefined || seen.has(name)) continue;
      seen.add(name);
      const kind = PROVIDERS[config.providers[provider]!.kind];
      const row = book.row({ provider, book: kind?.priceBook ?? null, model, at: epochMs(now) });
      if (row === null)
        findings.add('changed', place, `${name} has no known price`, [
          'under a budget a call of it is refused as price_unknown, where it was counted as free before',
          'add a row to `prices`, or give the imported budgets an amount with --unknown-price',
        ]);
    }
  }
}

async function priceBook({ prices, providers }: WantedConfig): Promise<VersionedPriceBook> {
  const isPublic = Object.values(providers).some(({ kind }) => (PROVIDERS[kind]?.priceBook ?? null) !== null);
  const list = isPublic ? await loadPublicList() : { list: null, source: 'none' };
  const overrides = prices.map(({ provider, model, perMillion }, i) => ({
    ...{ id: `import-${i}`, provider, model, validFrom: epochMs(0), prices: perMillion, source: 'import' },
  }));
  return new VersionedPriceBook({ ...list, overrides });
}
