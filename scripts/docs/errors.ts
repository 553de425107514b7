import { ERRORS, type Actor, type ErrorCode } from '#kernel/errors.ts';
import { head, madeFrom, row, type Page } from './page.ts';
import { SOLVING } from './solving.ts';

const WHO: Readonly<Record<Actor, string>> = {
  caller: 'the caller',
  operator: 'the operator of the gate',
  provider: 'the provider',
  us: 'Headgate: it is a mistake of ours',
};

const INTRO = `Every error that Headgate itself makes. An error of a provider passes as it is where client and provider speak one dialect, with \`x-headgate-error-source: provider\`; ours carry \`x-headgate-error-source: gateway\` and the code in \`x-headgate-error-code\`.

The message and its hint stand in \`error.message\`, because SDKs show the message alone; \`error.code\` is the code below. Where the same request may succeed later, the official SDKs retry by themselves and obey \`retry-after-ms\` and \`retry-after\`; where it may not, \`x-should-retry: false\` stops them.
`;

const codes = Object.keys(ERRORS) as ErrorCode[];
const byStatus = codes.toSorted((a, b) => ERRORS[a].status - ERRORS[b].status || a.localeCompare(b));

function section(name: ErrorCode): string {
  const { status, actor, retryable, openai, anthropic, message, hint } = ERRORS[name];
  return [
    `## ${name}\n`,
    `${message}\n`,
    `- Status ${status}; \`${openai}\` in OpenAI's form, \`${anthropic}\` in Anthropic's.`,
    `- ${retryable ? 'The same request may succeed later.' : 'The same request fails again.'}`,
    `- Mended by ${WHO[actor]}.\n`,
    `${hint}${SOLVING[name] ? ` ${SOLVING[name]}` : ''}\n`,
  ].join('\n');
}

export const errorsPage = (): Page => ({
  path: 'docs/reference/errors.md',
  text: [
    '# Errors\n',
    madeFrom('src/base/kernel/errors.ts'),
    INTRO,
    head(['status', 'code', 'who', 'retry']),
    ...byStatus.map((name) => {
      const { status, actor, retryable } = ERRORS[name];
      return row([String(status), `[${name}](#${name})`, actor, retryable ? 'yes' : 'no']);
    }),
    '',
    ...byStatus.map(section),
  ].join('\n'),
});
