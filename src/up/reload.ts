import { unwatchFile, watchFile } from 'node:fs';
import type { VersionedPriceBook } from '#ledger/prices/index.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import type { Gate } from '#gateway/gate.ts';
import type { ConfigHistory } from './config-history.ts';
import { loadConfig, readSource, type ConfigSource } from './config-source.ts';
import { refreshPrices } from './prices.ts';

/** Polling survives editors that replace the file and mounts that send no events. */
const POLL_MS = 1_000;

interface Watched {
  readonly gate: Gate;
  readonly source: ConfigSource;
  readonly env: NodeJS.ProcessEnv;
  readonly prices: VersionedPriceBook;
  readonly history: ConfigHistory;
  /** What the command line said stays said. */
  readonly overrides: (config: GateConfig) => GateConfig;
}

/** Takes a changed configuration for later calls. A bad file changes nothing and says why; so does SIGHUP. */
export function watchConfig({ gate, source, env, prices, history, overrides }: Watched): { close(): void } {
  const { path } = source;
  if (path === null) return { close: () => undefined };
  const reload = (): void => {
    try {
      const changed = readSource(path);
      // An editor that truncates before it writes must not take every model away for a moment.
      if (changed.text.trim() === '') return;
      const next = overrides(loadConfig(changed, env));
      if (next.hash === gate.config.hash) return history.unchanged();
      gate.config = next;
      history.reloaded(next, changed);
      refreshPrices(prices, next, gate.tenants);
      gate.log.info({ hash: next.hash }, 'configuration reloaded');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      history.refused(why);
      gate.log.error({ file: path, why }, 'the changed configuration is not used: the earlier one stays');
    }
  };
  watchFile(path, { interval: POLL_MS }, reload);
  process.on('SIGHUP', reload);
  return {
    close: () => {
      unwatchFile(path, reload);
      process.off('SIGHUP', reload);
    },
  };
}
