import { writeFileSync } from 'node:fs';
import { readConfig } from '#kernel/config/read.ts';
import { configSchema } from '#gateway/config/schema.ts';
import { PROVIDERS, USUAL_MODELS, usableProviders, type ProviderData } from '#providers/index.ts';
import { show, type CliContext } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';

export interface InitFlags {
  readonly out?: string;
  readonly force: boolean;
  readonly json: boolean;
}

interface InitReport {
  readonly report: 'init';
  readonly file: string;
  readonly providers: readonly string[];
}

export async function init(this: CliContext, { out = 'headgate.yaml', force, json }: InitFlags): Promise<void> {
  const found = usableProviders(PROVIDERS, this.env);
  const yaml = configText(found);
  // What we write must be what we read.
  readConfig(yaml, out, configSchema);
  write(out, yaml, force);
  const report: InitReport = { report: 'init', file: out, providers: found.map(({ name }) => name) };
  show(this, { json, report, draw });
}

const draw = ({ file, providers }: InitReport): string =>
  [
    `wrote ${file}: ${providers.length === 0 ? 'no provider key is in the environment, so its provider is an example' : `providers ${providers.join(', ')}`}`,
    '',
    providers.length === 0
      ? `hint: put a provider's key in the environment and its name in ${file}, then headgate check`
      : 'hint: headgate check, then headgate up',
  ].join('\n');

function write(file: string, yaml: string, force: boolean): void {
  try {
    // Exclusive: a file that somebody wrote in the meantime is not lost.
    writeFileSync(file, yaml, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const there = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new CliFailure({
      code: there ? 'file_exists' : 'file_unwritable',
      message: there ? `${file} is there already.` : `${file}: ${(error as Error).message}`,
      hint: there ? '--force writes over it, --out names another' : 'name a place that can be written with --out',
      exit: EXIT.usage,
    });
  }
}

/** A whole headgate.yaml with the reason beside each line. */
export function configText(found: readonly ProviderData[]): string {
  // Without a key an example that passes the check: it is commented out until the key is there.
  const providers = found.length > 0 ? found : [PROVIDERS['openai']!];
  const lines = (text: readonly string[]): string =>
    (found.length > 0 ? text : text.map((line) => line.replace(/^ {2}/gm, '  # '))).join('\n');
  return `# Headgate. \`headgate check\` says what is wrong here; a running gate takes changes up by itself.

# Goes into every ledger entry, so that staging is never counted as production.
environment: default

# Everything that the gate keeps: ledger, keys, budgets, spool, admin token.
dataDir: .headgate

listen:
  # Any other address than loopback needs admin.token below.
  host: 127.0.0.1
  port: 4141
# admin:
#   token: \${env:HEADGATE_ADMIN_TOKEN}

# Who answers. A secret is a reference, never a value: \${env:NAME} or \${file:/path}.
providers:${found.length > 0 ? '' : ' {}'}
${lines(providers.map(providerText))}

# Names that callers ask for, and who serves them. A trailing * takes every model of that beginning.
models:${found.length > 0 ? '' : ' {}'}
${lines(providers.flatMap(modelText))}
  # Two deployments share calls by weight; a higher order is tried when the lower ones fail:
  # chat:
  #   deployments:
  #     - { provider: ${providers[0]!.name}, model: some-model, weight: 3 }
  #     - { provider: ${providers.at(-1)!.name}, model: another-model, order: 1 }

# Uses of AI in your product. Calls name one with x-headgate-feature, or the key names it.
features:
  search: {}
  support: {}

# Tenants, keys, budgets and limits are made by \`headgate tenants create\` and so on. To keep them in git, declare them here;
# \`headgate check --plan\` then shows what would change:
# tenants: { acme: {} }
# keys: { acme-web: { tenant: acme, raw: "\${env:ACME_WEB_KEY}" } }
# budgets: { acme-month: { level: tenant, tenant: acme, limitUsd: 20 } }
# usageLimits: { acme-minute: { level: tenant, tenant: acme, unit: requests, limit: 600 } }

# Labels that calls may carry in x-headgate-labels, for spend by label.
labels: []

# Prices of your own, in dollars for a million tokens; they win over the public list.
prices: []
#  - { provider: ${providers[0]!.name}, model: my-model, perMillion: { input: "0.50", output: "2" } }
`;
}

const providerText = ({ name, title, keyVariable }: ProviderData): string =>
  `  # ${title}\n  ${name}: { apiKey: "\${env:${keyVariable}}" }`;

function modelText({ name }: ProviderData): string[] {
  const names = USUAL_MODELS[name] ?? [`${name}/*`];
  return names.map((model) => `  "${model}": { deployments: [{ provider: ${name} }] }`);
}
