import { z } from 'zod';

/** What a tenant would not have told to another. */
export const leakWatch = z
  .strictObject({
    action: z
      .enum(['off', 'report', 'stop'])
      .default('off')
      .describe('`report`: an answer that leaks is an incident; `stop`: it ends there, too.'),
    words: z
      .number()
      .int()
      .min(9)
      .max(200)
      .default(12)
      .describe('Length of a run of another tenant’s words that is a leak.'),
    canaries: z
      .record(
        z.string().max(64),
        z.array(z.string().min(8).max(256)).max(16).describe('Texts of 8 characters or more.'),
      )
      .default({})
      .describe('By tenant: texts that no other tenant may ever be answered with.'),
  })
  .prefault({})
  .describe('Looks in answers for other tenants’ templates and canaries.');
