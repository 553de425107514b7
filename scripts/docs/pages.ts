import { apiPage } from './api.ts';
import { cliPage } from './cli.ts';
import { clientsPages } from './clients.ts';
import { configurationPages } from './configuration.ts';
import { crossingReference } from './crossing.ts';
import { errorsPage } from './errors.ts';
import { grpcPage } from './grpc.ts';
import type { Page } from './page.ts';
import { providersPage } from './providers.ts';
import { streamFixesPage } from './stream-fixes.ts';

/** Every page that is made from code. */
export const referencePages = (): Page[] => [
  errorsPage(),
  ...configurationPages(),
  apiPage(),
  crossingReference(),
  providersPage(),
  ...clientsPages(),
  streamFixesPage(),
  grpcPage(),
  { path: 'docs/reference/cli.md', text: cliPage() },
];
