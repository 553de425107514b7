/** `npm run check`: types, format, layers and tidiness. Says what to run to mend it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules/.bin', name);

if (!existsSync(join(root, 'test/sdk/node_modules'))) {
  console.error(
    'The recorded answers of the lab are checked against the SDKs’ types: run `npm run test:sdks:install` first.',
  );
  process.exit(2);
}

const steps: readonly { readonly name: string; readonly command: readonly string[]; readonly mend: string }[] = [
  { name: 'types', command: [bin('tsc'), '-p', 'tsconfig.json'], mend: 'see above' },
  { name: 'types of the console', command: [bin('tsc'), '-p', 'src/console/tsconfig.json'], mend: 'see above' },
  { name: 'format', command: [bin('prettier'), '--check', '--log-level=warn', '.'], mend: 'npm run format' },
  {
    name: 'layers and tidiness',
    command: [process.execPath, '--test', '--test-reporter=dot', 'test/layers.test.ts', 'test/tidy.test.ts'],
    mend: 'the message says what to use instead',
  },
];

let failed = 0;
for (const { name, command, mend } of steps) {
  const { status } = spawnSync(command[0]!, command.slice(1), { cwd: root, stdio: 'inherit' });
  console.log(status === 0 ? `${name}: ok` : `${name}: failed (${mend})`);
  if (status !== 0) failed++;
}
process.exit(failed > 0 ? 1 : 0);
