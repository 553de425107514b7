import { PROVIDERS, USUAL_MODELS, usableProviders } from '#providers/index.ts';

/** Models of the lab with made-up prices, so that the first table of money is not empty. Dollars a million tokens. */
const LAB_MODELS: readonly { readonly name: string; readonly input: string; readonly output: string }[] = [
  { name: 'lab-small', input: '0.25', output: '2' },
  { name: 'lab-large', input: '3', output: '15' },
  { name: 'lab-embed', input: '0.02', output: '0' },
];

export interface DefaultConfig {
  readonly yaml: string;
  /** Providers whose key is in the environment; empty: the lab stands in for them. */
  readonly providers: readonly string[];
}

/** What runs without a file: every provider whose key is in the environment, or the lab. */
export function defaultConfig(env: Readonly<Record<string, string | undefined>>, labUrl: string | null): DefaultConfig {
  const found = usableProviders(PROVIDERS, env);
  const lines = ['# Made by `headgate up`: no headgate.yaml was found.', 'providers:'];
  const models: string[] = [];
  for (const { name } of found) {
    lines.push(`  ${name}: {}`);
    for (const prefix of USUAL_MODELS[name] ?? [])
      models.push(`  ${JSON.stringify(prefix)}: { deployments: [{ provider: ${name} }] }`);
  }
  if (labUrl) {
    lines.push(`  lab: { kind: lab, baseUrl: ${JSON.stringify(labUrl)} }`);
    for (const { name } of LAB_MODELS) models.push(`  ${name}: { deployments: [{ provider: lab }] }`);
    models.push(`  "lab-*": { deployments: [{ provider: lab }] }`);
  }
  lines.push('models:', ...models);
  lines.push('features:', '  search: {}', '  support: {}', '  docs: {}');
  if (labUrl) {
    lines.push('prices:');
    for (const { name, input, output } of LAB_MODELS) {
      lines.push(`  - { provider: lab, model: ${name}, perMillion: { input: "${input}", output: "${output}" } }`);
    }
  }
  return { yaml: `${lines.join('\n')}\n`, providers: found.map(({ name }) => name) };
}
