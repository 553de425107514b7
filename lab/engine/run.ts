/**
 * `npm run lab:engine`: llama.cpp on a generated model, on 127.0.0.1. Prints one JSON line
 * `{"listening": port, "model": id, "file": path}` and serves until SIGTERM or SIGINT.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ModelSpec, ShapeName } from './model-file.ts';
import { DEFAULT_MODEL, ensureModel, SHAPES } from './model-file.ts';
import { INSTALL_COMMAND, isEngineInstalled } from './process.ts';

/** Generated files; git ignores them. */
const MODELS_FOLDER = join(import.meta.dirname, 'models');

function usageError(message: string, hint: string): never {
  process.stderr.write(`error: ${message}\nhint: ${hint}\n`);
  process.exit(2);
}

function options(): { spec: ModelSpec; port: number; slots: number; queueLimit: number; contextTokens: number } {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      shape: { type: 'string', default: DEFAULT_MODEL.shape },
      seed: { type: 'string', default: String(DEFAULT_MODEL.seed) },
      'mean-tokens': { type: 'string', default: String(DEFAULT_MODEL.meanAnswerTokens) },
      slots: { type: 'string', default: '4' },
      queue: { type: 'string', default: '64' },
      context: { type: 'string', default: '2048' },
    },
  });
  const shape = values.shape;
  if (!(shape in SHAPES)) usageError(`unknown shape ${shape}`, `one of ${Object.keys(SHAPES).join(', ')}`);
  const count = (name: 'port' | 'seed' | 'mean-tokens' | 'slots' | 'queue' | 'context'): number => {
    const value = Number(values[name]);
    return Number.isInteger(value) && value >= 0 ? value : usageError(`--${name} ${values[name]}`, 'a whole number');
  };
  return {
    spec: { ...DEFAULT_MODEL, shape: shape as ShapeName, seed: count('seed'), meanAnswerTokens: count('mean-tokens') },
    port: count('port'),
    slots: count('slots'),
    queueLimit: count('queue'),
    contextTokens: count('context'),
  };
}

async function main(): Promise<void> {
  const { spec, port, ...limits } = options();
  if (!isEngineInstalled()) usageError('the engine is not installed', INSTALL_COMMAND);
  const { openEngine } = await import('./engine.ts');
  const { createEngineServer } = await import('./server.ts');
  const file = ensureModel(MODELS_FOLDER, spec);
  const modelId = `headgate-${spec.shape}`;
  const engine = await openEngine({ modelPath: file, modelId, ...limits });
  const server = createEngineServer(engine).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const listening = (server.address() as AddressInfo).port;
  process.stdout.write(`${JSON.stringify({ listening, model: modelId, file })}\n`);
  const stop = (): void => {
    server.closeAllConnections();
    server.close(() => void engine.close().finally(() => process.exit(0)));
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
}

await main();
