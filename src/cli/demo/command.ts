import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, text, wholeNumber } from '../flags.ts';
import type { DemoFlags } from './run.ts';

function speed(input: string): number {
  const value = Number(input.replace(/x$/, ''));
  if (value > 0 && value <= 10_000) return value;
  throw new RangeError('expected a number above 0, such as 20');
}

export const demoCommand = buildCommand<DemoFlags, [], CliContext>({
  loader: async () => (await import('./run.ts')).demo,
  parameters: {
    flags: {
      speed: {
        kind: 'parsed',
        parse: speed,
        default: '10',
        brief: 'So many times faster than the trace',
        placeholder: 'x',
      },
      calls: {
        kind: 'parsed',
        parse: wholeNumber({ min: 1, max: 100_000 }),
        optional: true,
        brief: 'Only the first calls of the trace',
        placeholder: 'n',
      },
      model: text('Model to call (default: the first of the gate)', 'name'),
      trace: text('Trace to replay: Azure CSV or Mooncake JSONL (default: the sample that ships)', 'file'),
      seed: {
        kind: 'parsed',
        parse: wholeNumber({ min: 1, max: 2 ** 31 }),
        default: '1',
        brief: 'Seed of prompts and of who calls',
        placeholder: 'n',
      },
      ...common,
    },
  },
  docs: {
    brief: 'Replay a trace for three tenants through the running gate, and show what it cost',
    fullDescription:
      'Creates the tenants demo-acme, demo-globex and demo-initech with a key each, sends the calls of a published trace of a chat service at a chosen speed, and ends with the spend table that they made. With a real provider this costs money: it is meant for the simulated one.',
  },
});
