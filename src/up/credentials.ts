import type { GateConfig } from '#gateway/config/resolve.ts';
import type { Log } from '#gateway/gate.ts';
import type { Provider } from '#providers/index.ts';

const NO_BODY = new Uint8Array();

/**
 * Asks the platforms' chains before the first call needs them: their libraries take seconds to find out where they
 * run, and one that gives nothing is told at once. Nobody waits for it, and calls are served meanwhile.
 */
export function warmCredentials({ providers }: GateConfig, log: Log): void {
  for (const provider of providers.values()) if (provider.authorizer?.state) void warm(provider, log);
}

async function warm({ name, authorizer }: Provider, log: Log): Promise<void> {
  try {
    await authorizer!.headers({ method: 'GET', path: '/', body: NO_BODY });
  } catch {
    log.warn({ provider: name, answered: authorizer!.state!.lastError }, 'no credential for a provider');
  }
}
