import { z } from 'zod';
import { parseReference, secret } from '#kernel/config/primitives.ts';
import { urlFault } from './address.ts';

/** Name of something that is pushed to, as a key in headgate.yaml. */
export const targetName = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/, 'letters, digits and _ . -, at most 63 characters');

/** Where messages are pushed to: a URL, or a reference of one. */
export const targetUrl = z
  .string()
  .max(2048)
  .transform((text, context) => {
    const reference = parseReference(text);
    if (reference) return reference;
    const why = urlFault(text);
    if (why) context.addIssue({ code: 'custom', message: why });
    return text;
  });

/** What every target takes beside its address. */
export const targetHeaders = z
  .record(
    z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, 'is no name of a header'),
    secret().describe('Reference of the value.'),
  )
  .default({})
  .describe('Further headers; values are references.');

export const targetPrivate = z
  .boolean()
  .default(false)
  .describe('True: the name may lead to a private address. An address that is written here itself needs no word.');
