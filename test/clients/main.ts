/**
 * `npm run test:clients [agent…] [quiet]`: installs the agents where they are missing (1 GB; by `npm install`, since a registry may
 * lack their packages for other platforms, and `npm ci` then refuses), lets each do the
 * whole task over each dialect of provider, and prints a table. `quiet`: only how they wait in a silent stream. Exits with 1
 * where anything is not as it must be.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AGENTS, type Agent, type Dialect } from './agents.ts';
import { judge, type Finding } from './judge.ts';
import { runQuiet } from './quiet.ts';
import { runTask } from './run-task.ts';

const DIALECTS: readonly Dialect[] = ['messages', 'responses', 'chat'];
const here = join(import.meta.dirname, 'agents');
const wanted = process.argv.slice(2);
const named = (text: string): boolean => AGENTS.some(({ name }) => name === text);
const agents = AGENTS.filter(({ name }) => !wanted.some(named) || wanted.includes(name));
const dialects = DIALECTS.filter(
  (dialect) => !wanted.some((text) => DIALECTS.includes(text as Dialect)) || wanted.includes(dialect),
);

const installed = (agent: Agent): boolean => existsSync(join(here, 'node_modules', agent.package));

if (!agents.every(installed)) {
  const { status } = spawnSync('npm', ['install', '--prefix', here, '--no-audit', '--no-fund'], { stdio: 'inherit' });
  if (status !== 0) console.log('npm install failed: what is missing is skipped');
}

let failed = 0;
const report = (agent: Agent, way: string, findings: readonly Finding[]): void => {
  const wrong = findings.filter(({ ok }) => !ok);
  failed += wrong.length;
  const seen = findings.find(({ name }) => name === 'cache')?.detail ?? '';
  console.log(
    `${agent.name.padEnd(12)} ${way.padEnd(18)} ${`${findings.length - wrong.length} of ${findings.length}`.padEnd(10)} ${seen}`,
  );
  for (const { name, ok, detail } of findings)
    if (!ok || process.env['VERBOSE']) console.log(`    ${ok ? 'ok ' : 'NOT'} ${name}: ${detail}`);
};

console.log(`${'agent'.padEnd(12)} ${'provider speaks'.padEnd(18)} ${'checks'.padEnd(10)} cached tokens`);
for (const agent of agents) {
  if (!installed(agent)) {
    console.log(`${agent.name.padEnd(12)} skipped: ${agent.package} is not installed`);
    continue;
  }
  const folder = mkdtempSync(join(tmpdir(), 'headgate-agent-'));
  try {
    if (agent.idle) report(agent, 'in silence', await runQuiet(agent, folder));
    if (wanted.includes('quiet')) continue;
    const direct = await runTask(agent, agent.dialect, folder, false);
    report(agent, 'without a gate', judge(direct, null));
    for (const dialect of dialects) {
      const outcome = await runTask(agent, dialect, folder, true);
      report(agent, dialect, judge(outcome, direct));
      if (process.env['VERBOSE'])
        for (const e of outcome.log)
          console.log(
            '   ',
            e.n,
            e.method,
            e.endpoint,
            e.turn,
            e.status,
            e.inputTokens,
            e.cachedTokens,
            e.faults.join(),
            e.aborted,
          );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
process.exit(failed > 0 ? 1 : 0);
