import { ConfigError } from '#kernel/config/diagnostics.ts';
import { StartError, up } from './up/up.ts';
try {
  await up({});
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof StartError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
}
