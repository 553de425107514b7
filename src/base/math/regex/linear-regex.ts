/**
 * Regular expressions in time linear in the text, whatever they are: all ways of matching are followed at once
 * (Thompson, CACM 11:6, 1968; Pike's machine as in R. Cox, "Regular Expression Matching: the Virtual Machine Approach",
 * 2009). JavaScript's own engine goes back instead, and `(a+)+$` keeps it busy for years.
 */
import { err, ok, type Result } from '#kernel/result.ts';
import { parseRegex, type Edge, type Node } from './parse.ts';

type Step =
  | { readonly do: 'one'; readonly fits: (char: string, code: number) => boolean }
  | { readonly do: 'edge'; readonly edge: Edge }
  | { readonly do: 'fork'; to: number; or: number }
  | { readonly do: 'jump'; to: number }
  | { readonly do: 'match' };

/** Steps of a program: `a{1000}` alone is a thousand. */
const MOST_STEPS = 5_000;
/** Work of one match, in steps followed: 20 ms (measured: 40 ns a step, on a busy core). */
const MOST_WORK = 500_000;

export interface LinearRegex {
  /** Is there a match anywhere in the text? Null: it would take too much work to say. */
  test(text: string): boolean | null;
}

/** Compiles a source; else says why it cannot be matched in bounded time. */
export function linearRegex(source: string): Result<LinearRegex, string> {
  const node = parseRegex(source);
  if (!node.ok) return node;
  const program: Step[] = [];
  if (!emit(node.value, program)) return err('is too long once its repetitions are written out');
  program.push({ do: 'match' });
  return ok({ test: (text) => new Run(program, text).found() });
}

/** False: the program is too long. */
function emit(node: Node, to: Step[]): boolean {
  if (to.length > MOST_STEPS) return false;
  switch (node.is) {
    case 'one':
      to.push({ do: 'one', fits: node.fits });
      return true;
    case 'edge':
      to.push({ do: 'edge', edge: node.edge });
      return true;
    case 'all':
      return node.parts.every((part) => emit(part, to));
    case 'any':
      return emitChoice(node.of, to);
    case 'times':
      return emitTimes(node, to);
  }
}

function emitChoice(of: readonly Node[], to: Step[]): boolean {
  const jumps: Extract<Step, { do: 'jump' }>[] = [];
  for (const [i, node] of of.entries()) {
    const fork = i < of.length - 1 ? forkIn(to) : null;
    if (!emit(node, to)) return false;
    if (fork === null) break;
    const jump = { do: 'jump' as const, to: 0 };
    to.push(jump);
    jumps.push(jump);
    fork.or = to.length;
  }
  for (const jump of jumps) jump.to = to.length;
  return true;
}

function emitTimes({ of, min, max }: Extract<Node, { is: 'times' }>, to: Step[]): boolean {
  if (Math.max(min, max === Infinity ? 0 : max) > MOST_STEPS) return false;
  for (let i = 0; i < min; i++) if (!emit(of, to)) return false;
  if (max === Infinity) {
    const at = to.length;
    const fork = forkIn(to);
    if (!emit(of, to)) return false;
    to.push({ do: 'jump', to: at });
    fork.or = to.length;
    return true;
  }
  const forks: Extract<Step, { do: 'fork' }>[] = [];
  for (let i = min; i < max; i++) {
    forks.push(forkIn(to));
    if (!emit(of, to)) return false;
  }
  for (const fork of forks) fork.or = to.length;
  return true;
}

function forkIn(to: Step[]): Extract<Step, { do: 'fork' }> {
  const fork = { do: 'fork' as const, to: to.length + 1, or: 0 };
  to.push(fork);
  return fork;
}

class Run {
  readonly #program: readonly Step[];
  readonly #text: string;
  /** The place in the text at which a step was reached last. */
  readonly #reached: Int32Array;
  #next: number[] = [];
  #work = 0;
  #matched = false;

  constructor(program: readonly Step[], text: string) {
    this.#program = program;
    this.#text = text;
    this.#reached = new Int32Array(program.length).fill(-1);
  }

  found(): boolean | null {
    for (let at = 0; ;) {
      const steps = this.#next;
      this.#next = [];
      // A match may begin anywhere.
      for (const step of steps) this.#follow(step, at);
      this.#follow(0, at);
      if (this.#matched) return true;
      if (this.#work > MOST_WORK) return null;
      if (at >= this.#text.length) return false;
      const code = this.#text.codePointAt(at)!;
      this.#read(String.fromCodePoint(code), code);
      at += code > 0xffff ? 2 : 1;
    }
  }

  /** Steps that read a character and were reached here. */
  #readers: number[] = [];

  #read(char: string, code: number): void {
    for (const at of this.#readers) {
      const step = this.#program[at]!;
      if (step.do === 'one' && step.fits(char, code)) this.#next.push(at + 1);
    }
    this.#work += this.#readers.length;
    this.#readers = [];
  }

  /** Follows what reads nothing. */
  #follow(from: number, place: number): void {
    const open = [from];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (this.#reached[at] === place) continue;
      this.#reached[at] = place;
      this.#work++;
      const step = this.#program[at]!;
      if (step.do === 'match') this.#matched = true;
      else if (step.do === 'one') this.#readers.push(at);
      else if (step.do === 'jump') open.push(step.to);
      else if (step.do === 'fork') open.push(step.or, step.to);
      else if (isEdge(step.edge, this.#text, place)) open.push(at + 1);
    }
  }
}

const WORD = /\w/;
const isWord = (text: string, at: number): boolean => at >= 0 && at < text.length && WORD.test(text[at]!);

function isEdge(edge: Edge, text: string, at: number): boolean {
  if (edge === 'start') return at === 0;
  if (edge === 'end') return at === text.length;
  return (isWord(text, at - 1) !== isWord(text, at)) === (edge === 'word');
}
