import { createContext, Script } from 'node:vm';
import { MARKS, type OwnRules } from './core/redact.ts';

/** One text may take so long under all rules together; a pattern that backtracks without end is cut off by it. */
const LIMIT_MS = 100;

/**
 * The operator's regular expressions, in a context of their own: the engine breaks a pattern off there, as it cannot
 * within plain code. Throws where the time is over.
 */
export function ownRules(patterns: readonly string[]): OwnRules | null {
  if (patterns.length === 0) return null;
  const context = createContext({ patterns: [...patterns], mark: MARKS.rule, text: '' });
  new Script('rules = patterns.map((source) => new RegExp(source, "gu"))').runInContext(context);
  const apply = new Script('rules.reduce((out, rule) => out.replace(rule, mark), text)');
  return (text) => {
    (context as { text: string }).text = text;
    return String(apply.runInContext(context, { timeout: LIMIT_MS }));
  };
}
