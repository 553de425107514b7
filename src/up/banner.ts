import { jsonLine } from '#cli/json.ts';
import type { DataFolder } from './data-folder.ts';

export interface StartFacts {
  readonly url: string;
  readonly folder: DataFolder;
  readonly admin: { readonly made: boolean };
  /** The demo key, shown once, by the start that made it. */
  readonly key: string | null;
  readonly lab: boolean;
  readonly configPath: string | null;
  readonly models: readonly string[];
}

/** What the first start says: where it listens, where the token lies, a key, and a line that works as pasted. */
export function banner({ url, folder, key, lab, configPath, models, admin }: StartFacts): string {
  const model = models.find((name) => !name.endsWith('*')) ?? (models[0] ?? 'MODEL').replace('*', '…');
  const lines = [
    `Headgate listens on ${url}`,
    `  configuration  ${configPath ?? 'none: made from the environment (headgate init writes a file)'}`,
    `  data           ${folder.path}`,
    `  console        ${url}/console/   (log in with the admin token)`,
    `  admin token    ${folder.adminTokenFile}${admin.made ? ' (made now)' : ''}`,
    `  models         ${models.slice(0, 8).join(', ')}${models.length > 8 ? ', …' : ''}`,
  ];
  if (lab) lines.push('  provider       the lab: no provider key is in the environment, so answers are simulated');
  if (key) {
    lines.push(`  demo key       ${key}   (shown once)`, '', 'Try it:');
    lines.push(
      `curl ${url}/v1/chat/completions -H 'authorization: Bearer ${key}' -H 'content-type: application/json' -d '{"model":"${model}","messages":[{"role":"user","content":"Say hello."}]}'`,
    );
    lines.push('', 'Then: npx headgate calls list   npx headgate spend');
  }
  return `${lines.join('\n')}\n`;
}

/** The same for a program that starts the gate: it waits for this line. */
export const startReport = ({ url, folder, key, lab, configPath, models, admin }: StartFacts): string =>
  jsonLine({
    report: 'up',
    url,
    pid: process.pid,
    configuration: configPath,
    data: folder.path,
    adminTokenFile: folder.adminTokenFile,
    adminTokenMade: admin.made,
    lab,
    models,
    demoKey: key,
  });
