import { crossingPage } from '#wire/crossing/page.ts';
import { madeFrom, type Page } from './page.ts';

/** The tables that the translation itself reads, as a page. */
export function crossingReference(): Page {
  const text = crossingPage();
  const cut = text.indexOf('\n') + 1;
  return {
    path: 'docs/reference/crossing.md',
    text: `${text.slice(0, cut)}\n${madeFrom('src/base/wire/crossing')}${text.slice(cut)}`,
  };
}
