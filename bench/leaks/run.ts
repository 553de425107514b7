/**
 * How often does the leak watch call a text a leak that is none, and what does it cost? `node bench/leaks/run.ts`. Real
 * texts are the other tenants' prompts and the answers: XQuAD in three languages and the corpora of the chunking
 * evaluation of ../shared/data, in pieces of 200 words, each text's tenant by turns one of ten. Planted leaks of 20, 50
 * and 200 words, verbatim, reflowed and cut by events, are looked for among them. Figures go to
 * bench/results/leaks.json with date, commit and seed.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRng } from '#kernel/rng.ts';
import { LeakDetector } from '#capabilities/tenants/leaks/core/leak-detector.ts';
import { LeakIndex, type ProtectedText } from '#capabilities/tenants/leaks/core/leak-index.ts';
import { commitOf } from '../gateway/targets.ts';

const DATA = join(import.meta.dirname, '../../../shared/data');
const SEED = 23;
const KEY = { a: 0x51ed270b, b: 0x2545f491 };
const LEASTS = [8, 10, 12, 16, 20];
/** What the gate has where nobody says otherwise. */
const USUAL = 12;
const PIECE_WORDS = 200;
const PLANTED = 200;

if (!existsSync(DATA)) {
  console.log('skipped: ../shared/data is not here');
  process.exit(0);
}

const pieces = (text: string): string[] => {
  // Where there are no spaces, a character is half a word.
  const words = text.includes(' ') ? text.split(/\s+/) : [...text];
  const size = text.includes(' ') ? PIECE_WORDS : 2 * PIECE_WORDS;
  return Array.from({ length: Math.floor(words.length / size) }, (_, i) =>
    words.slice(i * size, (i + 1) * size).join(text.includes(' ') ? ' ' : ''),
  );
};
const paragraphs = (language: string): string[] => {
  const { data } = JSON.parse(readFileSync(join(DATA, `xquad/xquad.${language}.json`), 'utf8')) as {
    data: { paragraphs: { context: string }[] }[];
  };
  return data.flatMap((one) => one.paragraphs.map(({ context }) => context));
};
const corpora: Record<string, string[]> = {
  ...Object.fromEntries(['en', 'de', 'zh'].map((language) => [`xquad.${language}`, paragraphs(language)])),
  ...Object.fromEntries(
    readdirSync(join(DATA, 'chroma-chunking-eval'))
      .filter((file) => file.endsWith('.md') && file !== 'SOURCE.md')
      .map((file) => [file.replace('.md', ''), pieces(readFileSync(join(DATA, 'chroma-chunking-eval', file), 'utf8'))]),
  ),
};

const protectedOf = (texts: readonly string[]): ProtectedText[] =>
  texts.map((text, i) => ({ tenant: `tenant-${i % 10}`, name: `text-${i}`, text }));
const alarms = (index: LeakIndex, answers: readonly string[], least: number): number =>
  answers.filter((answer) => {
    const detector = new LeakDetector(index, 'reader', least);
    return detector.push(answer) !== null || detector.end() !== null;
  }).length;

interface Row {
  readonly prompts: string;
  readonly answered: string;
  readonly answers: number;
  readonly fingerprints: number;
  readonly alarms: Readonly<Record<number, number>>;
}
const rows: Row[] = [];
for (const [prompts, texts] of Object.entries(corpora))
  for (const [answered, others] of Object.entries(corpora)) {
    // Of one corpus, one half is prompts and the other answers: the same subjects in the same words, and no leak.
    const same = prompts === answered;
    const index = new LeakIndex(KEY, protectedOf(same ? texts.filter((_, i) => i % 2 === 0) : texts));
    const answers = same ? others.filter((_, i) => i % 2 === 1) : others;
    const byLeast = Object.fromEntries(LEASTS.map((least) => [least, alarms(index, answers, least)]));
    rows.push({ prompts, answered, answers: answers.length, fingerprints: index.fingerprints, alarms: byLeast });
  }

const rng = seededRng(SEED);
const english = corpora['xquad.en']!;
const index = new LeakIndex(KEY, protectedOf(english));
const found: Record<string, number> = {};
for (const length of [20, 50, 200])
  for (const shape of ['verbatim', 'reflowed', 'events'] as const) {
    let hits = 0;
    for (let i = 0; i < PLANTED; i++) {
      const words = english[Math.floor(rng.next() * english.length)]!.split(/\s+/);
      const from = Math.floor(rng.next() * Math.max(1, words.length - length));
      const run = words.slice(from, from + length);
      const text =
        shape === 'reflowed' ? run.map((word, at) => (at % 4 ? `${word} ` : `\n> ${word}\t`)).join('') : run.join(' ');
      const answer = `So here it is: ${text} – and that is all.`;
      const detector = new LeakDetector(index, 'reader', USUAL);
      const events = shape === 'events' ? (answer.match(/[\s\S]{1,4}/g) ?? []) : [answer];
      if (events.some((event) => detector.push(event) !== null) || detector.end() !== null) hits++;
    }
    found[`${length} ${shape}`] = hits;
  }

const all = Object.values(corpora).flat();
const everything = new LeakIndex(KEY, protectedOf(all));
const bytes = all.reduce((sum, text) => sum + text.length, 0);
const tokens = all.flatMap((text) => text.match(/[\s\S]{1,4}/g) ?? []);
const before = process.cpuUsage();
const detector = new LeakDetector(everything, 'reader', 1e9);
for (const token of tokens) detector.push(token);
const { user, system } = process.cpuUsage(before);

function sums(wanted: (row: Row) => boolean): Record<number, string> {
  const chosen = rows.filter(wanted);
  const answers = chosen.reduce((sum, row) => sum + row.answers, 0);
  return Object.fromEntries(
    LEASTS.map((least) => [least, `${chosen.reduce((sum, row) => sum + row.alarms[least]!, 0)} of ${answers}`]),
  );
}

const result = {
  ...{ date: new Date().toISOString(), commit: commitOf(), node: process.version, seed: SEED, usual: USUAL },
  falseAlarms: rows,
  /** Prompts and answers of different sources; and of the two halves of one, whose passages do recur. */
  ofDifferentSources: sums(({ prompts, answered }) => prompts !== answered),
  ofOneSource: sums(({ prompts, answered }) => prompts === answered),
  planted: { of: PLANTED, found },
  usPerEventOfFourCharacters: Math.round(((user + system) / tokens.length) * 1000) / 1000,
  index: { texts: everything.texts, characters: bytes, fingerprints: everything.fingerprints },
};
console.log(JSON.stringify(result, null, 2));
const folder = join(import.meta.dirname, '..', 'results');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'leaks.json'), `${JSON.stringify(result, null, 2)}\n`);
