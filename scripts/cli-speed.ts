/**
 * How long commands take, each as a process of its own beside a gate on the lab: median of seven, against the bound.
 * `node scripts/cli-speed.ts`; exits with 1 where a bound is broken.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const RUNS = 7;
const HELP_MS = 150;
const READ_MS = 400;
const bin = join(import.meta.dirname, '..', 'bin', 'headgate.js');

const COMMANDS: readonly (readonly [command: string, boundMs: number])[] = [
  ['--help', HELP_MS],
  ['keys --help', HELP_MS],
  ['keys list', READ_MS],
  ['budgets list', READ_MS],
  ['calls list', READ_MS],
  ['spend', READ_MS],
  ['sessions list', READ_MS],
  ['providers list', READ_MS],
  ['config show --effective', READ_MS],
  ['errors', READ_MS],
  ['now', READ_MS],
];

const folder = mkdtempSync(join(tmpdir(), 'headgate-speed-'));
const env = { ...process.env, HEADGATE_DATA: join(folder, 'state') };
const gate = spawn(process.execPath, [bin, 'up', '--lab', '--port', '0'], {
  cwd: folder,
  env,
  stdio: ['ignore', 'pipe', 'ignore'],
});
await new Promise<void>((resolve) =>
  gate.stdout.on('data', (text: Buffer) => /models/.test(String(text)) && resolve()),
);

function medianMs(args: readonly string[]): number {
  const times = Array.from({ length: RUNS }, () => {
    const before = performance.now();
    const { status } = spawnSync(process.execPath, [bin, ...args], { cwd: folder, env });
    if (status !== 0) throw new Error(`headgate ${args.join(' ')} ended with ${status}`);
    return performance.now() - before;
  });
  return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)]!;
}

let broken = 0;
try {
  for (const [command, bound] of COMMANDS) {
    const ms = medianMs(command.split(' '));
    if (ms > bound) broken++;
    console.log(
      `${command.padEnd(26)} ${ms.toFixed(0).padStart(5)} ms   bound ${bound} ms${ms > bound ? '   BROKEN' : ''}`,
    );
  }
} finally {
  gate.kill();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(broken > 0 ? 1 : 0);
