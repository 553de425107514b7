import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';

/** A gate whose file declares rows, before the simulated provider; the file is written anew by the tests. */
export interface DeclaredWorld {
  readonly provider: Provider;
  readonly gate: GateProcess;
  /** Below the folder of the file, for secrets that are read from files. */
  readonly folder: string;
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const base = (url: string): string => `
providers: { lab: { kind: lab, baseUrl: "${url}/v1" } }
models: { m: { deployments: [{ provider: lab, model: lab-small }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "2" } }]
features: { search: {}, support: {} }
labels: [env]
`;

export async function startWorld(declared: string, env: Record<string, string> = {}): Promise<DeclaredWorld> {
  const provider = await startProvider({ seed: 20261125 });
  const folder = temporaryFolder('declared');
  const gate = await startGate({ config: base(provider.url) + declared, env, dataDir: folder }).catch(async (error) => {
    // A provider that nobody closes would keep the suite from ending.
    await provider.close();
    throw error;
  });
  return { provider, gate, folder };
}

/** The same folder and file in a new process, with other declarations. */
export const restart = (
  { provider, folder }: DeclaredWorld,
  declared: string,
  env: Record<string, string> = {},
): Promise<GateProcess> => startGate({ config: base(provider.url) + declared, env, dataDir: folder });

/** Writes other declarations and waits until the gate has taken them up or refused them; resolves to the new log. */
export async function declare({ provider, gate, folder }: DeclaredWorld, declared: string): Promise<string> {
  const before = gate.stderr().length;
  const text = `${base(provider.url)}${declared}\ndataDir: ${folder}/state\nlisten: { port: 0 }\n`;
  writeFileSync(join(folder, 'headgate.yaml'), text);
  gate.child.kill('SIGHUP');
  const fresh = (): string => gate.stderr().slice(before);
  // The gate looks at the file by itself too: what it says of an earlier text is no answer.
  const answer = new RegExp(`"hash":"${sha256(text).slice(0, 16)}".*(configuration reloaded|is not used)`);
  await gate.until('the file is read', () => answer.test(fresh()));
  return fresh();
}

/** Status and error code of a small call with a key. */
export async function callWith({ gate }: DeclaredWorld, key: string): Promise<string> {
  const response = await fetch(`${gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] }),
  });
  const body = (await response.json()) as { error?: { code?: string } };
  return response.ok ? '200' : `${response.status} ${body.error?.code}`;
}

/** Status and body of an admin request, errors too. */
export async function adminAnswer({ gate }: DeclaredWorld, method: string, path: string, body: object = {}) {
  const response = await fetch(`${gate.url}/admin${path}`, {
    method,
    headers: { authorization: `Bearer ${gate.adminToken}`, 'content-type': 'application/json' },
    ...(method !== 'GET' && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as any };
}

export async function auditOf({ gate }: DeclaredWorld): Promise<any[]> {
  return (await gate.admin('GET', '/audit?limit=1000')).entries;
}

const bin = join(import.meta.dirname, '..', '..', 'bin', 'headgate.js');

/** `headgate …` beside a data folder. */
export const commandLine = (
  data: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const env = { PATH: process.env['PATH'] ?? '', HEADGATE_DATA: data, TZ: 'UTC', COLUMNS: '160', ...more };
    const child = execFile(process.execPath, [bin, ...args], { env, cwd: data }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
