import { HOP_TITLES, HOPS, TOPICS, type FixTopic } from '#capabilities/streams/cli.ts';
import { fixPart } from '#cli/streams/markdown.ts';
import { madeFrom, type Page } from './page.ts';

/** What mends what the doctor finds, by topic and product. */
export const streamFixesPage = (): Page => ({
  path: 'docs/reference/stream-fixes.md',
  text: [
    '# Fixes for streams',
    madeFrom('src/capabilities/streams/doctor/core/fixes.ts').trimEnd(),
    `What to set where \`headgate streams doctor\` finds something, for ${HOPS.map((hop) => HOP_TITLES[hop]).join(', ')}. \`measured\` settings run in a test of Headgate with Debian's packages; \`documented\` ones are the maker's word, and were not run. The doctor never looks at a product's name: you know what your hops are.`,
    ...(Object.keys(TOPICS) as FixTopic[]).map((topic) => fixPart(topic, null).replace(/^###/, '##')),
  ]
    .join('\n\n')
    .concat('\n'),
});
