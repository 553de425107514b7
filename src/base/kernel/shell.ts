/** Words of commands that people paste into a shell. Pure. */

/** In single quotes, whatever is in it. */
export const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** As it is where a shell reads it as one word without meaning, else in quotes. */
export const shellWord = (text: string): string => (/^[\w./:@-]+$/.test(text) ? text : shellQuoted(text));
