/** Names that the admin API takes, of names that people chose. Pure. */
const LONGEST_SLUG = 63;
const LONGEST_TITLE = 128;

/** `Growth & Sales` is `growth-sales`. */
export const slugOf = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/^[-_]+|-+$/g, '')
    .slice(0, LONGEST_SLUG) || 'unnamed';

export const titleOf = (text: string): string =>
  text.replace(/\s+/g, ' ').trim().slice(0, LONGEST_TITLE).trim() || 'unnamed';

/** Gives each name once; a second one gets a number. */
export class FreeNames {
  readonly #taken = new Set<string>();

  take(wanted: string, longest = LONGEST_TITLE): string {
    for (let n = 1; ; n++) {
      const suffix = n === 1 ? '' : `-${n}`;
      const name = wanted.slice(0, longest - suffix.length) + suffix;
      if (this.#taken.has(name)) continue;
      this.#taken.add(name);
      return name;
    }
  }

  slug(text: string): string {
    return this.take(slugOf(text), LONGEST_SLUG);
  }
}
