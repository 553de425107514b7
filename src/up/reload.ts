import { unwatchFile, watchFile } from 'node:fs';
import type { VersionedPriceBook } from '#ledger/prices/index.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import type { Gate } from '#gateway/gate.ts';
import type { ConfigHistory } from './config-history.ts';
import { hashOf, loadConfigAside, readSource, type ConfigSource } from './config-source.ts';
import type { DeclaredState } from './declared-state.ts';
import { warmCredentials } from './credentials.ts';
import { refreshPrices } from './prices.ts';
import { telemetryOf } from './telemetry.ts';

/** Polling survives editors that replace the file and mounts that send no events. */
const POLL_MS = 1_000;

interface Watched {
  readonly gate: Gate;
  readonly declared: DeclaredState;
  readonly source: ConfigSource;
  readonly env: NodeJS.ProcessEnv;
  readonly prices: VersionedPriceBook;
  readonly history: ConfigHistory;
  /** What the command line said stays said. */
  readonly overrides: (config: GateConfig) => GateConfig;
}

/**
 * Takes a changed configuration for later calls. A bad file changes nothing and says why. SIGHUP reads it again even
 * where it is the same: a secret that it names may be another.
 */
export function watchConfig(watched: Watched): { close(): void } {
  const { path } = watched.source;
  if (path === null) return { close: () => undefined };
  // One after the other: the second of two quick changes must not be passed by the first.
  let turn = Promise.resolve();
  const reload = (asked: boolean): void => void (turn = turn.then(() => take(watched, path, asked)));
  const onChange = (): void => reload(false);
  const onSignal = (): void => reload(true);
  watchFile(path, { interval: POLL_MS }, onChange);
  process.on('SIGHUP', onSignal);
  return {
    close: () => {
      unwatchFile(path, onChange);
      process.off('SIGHUP', onSignal);
    },
  };
}

async function take(watched: Watched, path: string, asked: boolean): Promise<void> {
  const { gate, declared, env, prices, history, overrides } = watched;
  let hash: string | null = null;
  try {
    const changed = readSource(path);
    // An editor that truncates before it writes must not take every model away for a moment.
    if (changed.text.trim() === '') return;
    hash = hashOf(changed);
    if (hash === gate.config.hash && !asked) return history.unchanged();
    const next = overrides(await loadConfigAside(changed, env));
    await declared.apply(next);
    gate.config = next;
    gate.telemetry.use(telemetryOf(next, gate.spool.owner));
    warmCredentials(next, gate.log);
    history.reloaded(next, changed);
    refreshPrices(prices, next, gate.tenants);
    gate.captures.use(next.capture);
    void gate.feeds.use(next.feeds);
    gate.log.info({ hash }, 'configuration reloaded');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    history.refused(why);
    gate.log.error({ file: path, hash, why }, 'the changed configuration is not used: the earlier one stays');
  }
}
