/** A generated page: its path below the root, and what stands in it. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** Stands under the title of each generated page, so that nobody edits it by hand. */
export const madeFrom = (source: string): string => `<!-- Made by \`npm run docs\` from ${source}. -->\n`;

/** One row of a Markdown table; a bar or a line break would end the cell. */
export const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;

export const head = (titles: readonly string[]): string => `${row(titles)}\n${row(titles.map(() => '---'))}`;

export const code = (text: string): string => `\`${text}\``;
