import { readSecret } from '#gateway/config/resolve.ts';
import { StartError } from './start-error.ts';
import { startSecret } from './start-secret.ts';

interface Asked {
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: Parameters<typeof readSecret>[0] | undefined;
  readonly cluster: boolean;
}

/** A start waits so long to hear what kind of server it is, and goes on without. */
const WAIT_MS = 1_000;

/** Throws where a server is a node of a cluster and the section says otherwise, or the other way round. */
export async function refuseWrongKind(section: string, asked: Asked, hint: string): Promise<void> {
  const { url, username, password, cluster } = asked;
  const secret = password && startSecret(password, `${section}.password`);
  // The client of Valkey is loaded by whoever wants it.
  const { clusterAt } = await import('#stores/valkey/connection.ts');
  const is = await clusterAt({ url, username, password: secret }, WAIT_MS);
  if (is === null || is === cluster) return;
  throw new StartError(
    is
      ? `${section}: the server at \`url\` is a node of a cluster: ${hint}`
      : `${section}: the server at \`url\` is no node of a cluster: remove \`cluster: true\``,
  );
}
