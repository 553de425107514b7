import { z } from 'zod';
import { duration, secret, size, type Reference } from '#kernel/config/primitives.ts';
import { captureKey, type CaptureKey } from './core/envelope.ts';
import type { VaultSettings } from './messages.ts';

const DAY_MS = 86_400_000;

const pattern = z
  .string()
  .min(1)
  .max(512)
  .superRefine((text, context) => {
    try {
      new RegExp(text, 'gu');
    } catch (error) {
      context.addIssue({ code: 'custom', message: `is a regular expression (${(error as Error).message})` });
    }
  });

/** `capture:` of headgate.yaml. Without a key nothing can be captured. */
export const captureSection = {
  capture: z
    .strictObject({
      allowed: z.boolean().default(true).describe('False: nobody can start a capture, whatever their token.'),
      key: secret()
        .optional()
        .describe('Seals captured text: 32 bytes as hex or base64. Absent: nothing can be captured.'),
      oldKeys: z.array(secret()).max(8).default([]).describe('Earlier keys, to read what they have sealed.'),
      maxBytes: size({ min: '1MB', max: '1000GiB' })
        .default(1024 * 1024 * 1024)
        .describe('Size of the folder of captured text at which capturing stops until something expires.'),
      retention: duration({ min: '1s', max: '30d' })
        .default(7 * DAY_MS)
        .describe('How long captured text is kept; then it is deleted.'),
      redact: z
        .array(pattern)
        .max(32)
        .default([])
        .describe(
          'Regular expressions whose matches are taken out, beside secrets, e-mail addresses and card numbers.',
        ),
    })
    .prefault({}),
};

export type CaptureFile = z.output<z.ZodObject<typeof captureSection>>['capture'];

interface Fault {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint: string | null;
}

/** Keys read; null: captures are not allowed here. */
export function resolveCapture(
  file: CaptureFile,
  readSecret: (reference: Reference) => string,
): { readonly settings: VaultSettings | null; readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const read = (reference: Reference, path: Fault['path']): CaptureKey[] => {
    try {
      const key = captureKey(readSecret(reference));
      if (key) return [key];
      const message = `${path.join('.')}: the key is 32 bytes, as 64 hex digits or as base64`;
      faults.push({ path, message, hint: '`openssl rand -hex 32` makes one' });
    } catch (error) {
      faults.push({ path, message: `${path.join('.')}: ${(error as Error).message}`, hint: null });
    }
    return [];
  };
  const keys = [
    ...(file.key ? read(file.key, ['capture', 'key']) : []),
    ...file.oldKeys.flatMap((reference, i) => read(reference, ['capture', 'oldKeys', i])),
  ];
  const usable = file.allowed && file.key !== undefined && keys.length > 0;
  const { maxBytes, retention: retentionMs, redact } = file;
  return { settings: usable ? { keys, maxBytes, retentionMs, redact } : null, faults };
}
