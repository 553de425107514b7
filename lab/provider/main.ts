import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { linearStepTime } from '#capabilities/capacity/core/step-time.ts';
import type { ScheduledFault } from './faults.ts';
import { type ProviderOptions, REALISTIC_STEP_TIME } from './options.ts';
import { startProvider } from './provider.ts';
import type { Script } from './scripts.ts';

const HELP = `usage: node lab/provider/main.ts [options]
  --port <n>             listen here (0: any free port; default 0)
  --host <address>       default 127.0.0.1
  --seed <n>             seed of answers and random faults (default 1)
  --log <file>           append the provider's own log as JSON lines
  --key <secret>         accept only this credential (default: any)
  --realistic            step times of an 8B model on one H100
  --step-ms <ms>         fixed part of a step; with --prefill-us and --decode-us per token
  --fault-schedule <f>   JSON list, or a file of one
  --fault-rate <share>   random faults, 0 to 1; --faults 429@1,500,cut@3 says which
  --scripts <file>       JSON object: name to {"turns": [{"text", "tools"}]}
`;

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    host: { type: 'string' },
    seed: { type: 'string' },
    log: { type: 'string' },
    key: { type: 'string' },
    realistic: { type: 'boolean' },
    'step-ms': { type: 'string' },
    'prefill-us': { type: 'string' },
    'decode-us': { type: 'string' },
    'fault-schedule': { type: 'string' },
    'fault-rate': { type: 'string' },
    faults: { type: 'string' },
    scripts: { type: 'string' },
    help: { type: 'boolean' },
  },
});

function options(): ProviderOptions {
  return {
    port: Number(values.port ?? 0),
    seed: Number(values.seed ?? 1),
    faultRate: Number(values['fault-rate'] ?? 0),
    ...(values.host ? { host: values.host } : {}),
    ...(values.log ? { logFile: values.log } : {}),
    ...(values.key ? { key: values.key } : {}),
    ...(values.faults ? { faults: values.faults.split(',') } : {}),
    ...(values['fault-schedule'] ? { faultSchedule: json(values['fault-schedule']) as ScheduledFault[] } : {}),
    ...(values.scripts ? { scripts: json(values.scripts) as Record<string, Script> } : {}),
    ...stepTime(),
  };
}

function stepTime(): Pick<ProviderOptions, 'stepTimeMs'> {
  if (values.realistic) return { stepTimeMs: REALISTIC_STEP_TIME };
  if (values['step-ms'] === undefined) return {};
  const perToken = (text: string | undefined): number => Number(text ?? 0) / 1_000;
  const [msPerPrefillToken, msPerDecodeToken] = [perToken(values['prefill-us']), perToken(values['decode-us'])];
  return {
    stepTimeMs: linearStepTime({
      baseMs: Number(values['step-ms']),
      msPerPrefillToken,
      msPerDecodeToken,
      msPerKvToken: 0,
    }),
  };
}

const json = (text: string): unknown => JSON.parse(/^\s*[[{]/.test(text) ? text : readFileSync(text, 'utf8'));

if (values.help) {
  process.stdout.write(HELP);
} else {
  const provider = await startProvider(options());
  process.stdout.write(`${JSON.stringify({ listening: provider.port })}\n`);
  const stop = (): void => void provider.close().then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}
