import type { Reload } from '../now/core/changes.ts';
import { route, type AdminRoute } from '#capabilities/tenants/routes.ts';

/** One value in force. Secrets are references; what may hold one in the clear is hidden. */
export interface ConfigurationValue {
  /** `providers.openai.baseUrl` */
  readonly path: string;
  /** As it is written in a file; null: hidden. */
  readonly value: string | null;
  /** `headgate.yaml:12`, `default`, `command line`, `environment`. */
  readonly source: string;
}

export interface ConfigurationChange {
  readonly path: string;
  /** Null: there was none, or it is hidden. */
  readonly before: string | null;
  readonly after: string | null;
  readonly kind: 'added' | 'removed' | 'changed';
  readonly hidden: boolean;
}

export interface ConfigurationReport {
  readonly report: 'configuration';
  /** Null: made from the environment. */
  readonly file: string | null;
  readonly hash: string;
  readonly loadedAt: string;
  readonly values: readonly ConfigurationValue[];
  /** Null: not reloaded since the start. */
  readonly lastReload: { readonly at: string; readonly changes: readonly ConfigurationChange[] } | null;
  /** A changed file that was refused after the last reload; null: none. */
  readonly refused: { readonly at: string; readonly why: string } | null;
  /** Since the start, the last fifty. */
  readonly reloads: readonly Reload[];
}

export const configurationRoutes = (report: () => Promise<ConfigurationReport>): AdminRoute[] => [
  route('GET /admin/configuration', {
    tag: 'gate',
    summary: 'The configuration in force: each value with its source, and what the last reload changed',
    run: () => report(),
  }),
];
