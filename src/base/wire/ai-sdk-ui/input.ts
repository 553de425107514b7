import { err, ok, type Result } from '#kernel/result.ts';

/** The input of a tool call from its argument text; free text where the tool takes that. */
export function inputOf(args: string, custom: boolean): Result<unknown, string> {
  if (custom) return ok(args);
  // A call without arguments: some providers send no text for it.
  if (args.trim() === '') return ok({});
  try {
    return ok(JSON.parse(args));
  } catch {
    return err('The model wrote an input that is no JSON.');
  }
}
