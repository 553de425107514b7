import { HeadgateError } from '#kernel/errors.ts';
import { readCallValues, refusedTool, renderPrompt, VARIABLES_HEADER } from '#capabilities/tenants/index.ts';
import type { Effective } from '#capabilities/tenants/index.ts';
import type { MaybePromise } from '#ports/shared-state.ts';
import type { Dialect } from '#wire/dialect.ts';
import { splicePieces } from '#wire/json/splice.ts';
import type { Prompt } from '#wire/seams.ts';
import type { Exchange } from '../call.ts';
import { decode, offLoop, type Decoded, type OutsideWords } from '../decode.ts';
import { DIALECTS } from '../dialects.ts';
import type { Gate } from '../gate.ts';
import { changesOf, type CustomOrder } from './order.ts';

/** What the layers made of a call, for its entry. */
export interface CallLayers {
  readonly effective: Effective;
  /** The name that the caller asked for, where it was an alias. */
  readonly alias: string | null;
  /** Bytes of the body as the caller sent it. */
  readonly bytesIn: number;
}

export interface Customized {
  readonly decoded: Decoded;
  readonly layers: CallLayers | null;
}

interface Asked {
  readonly effective: Effective | null;
  readonly decoded: Decoded;
  readonly outside: OutsideWords | undefined;
}

/**
 * A call as its layers want it: the model that an alias means, the prompt and the parameters in the body. It is patched
 * once, in the caller's own dialect and before anything is reserved, so that size, price and policy are those of what
 * is sent; then policy reads the whole body again. Throws a 400 that names the level, and nothing that a layer says.
 */
export function customize(gate: Gate, exchange: Exchange, asked: Asked): MaybePromise<Customized> {
  const { effective, decoded } = asked;
  const header = exchange.request.headers[VARIABLES_HEADER];
  if (effective === null) {
    if (header !== undefined) throw noVariables('names a variable that no caller may set here');
    return { decoded, layers: null };
  }
  if (effective.broken !== null) throw refused('model', effective.broken);
  const dialect = DIALECTS[exchange.route.dialect];
  const alias = effective.aliases.get(decoded.view.model)?.value ?? null;
  const layers: CallLayers = {
    effective,
    alias: alias === null ? null : decoded.view.model,
    bytesIn: decoded.body.bytes.length,
  };
  checkTools(effective, dialect, decoded);
  const prompt = promptOf(effective, dialect, decoded, header === undefined ? null : String(header));
  const parameters = dialect.kind === 'generate' && dialect.seams ? [...effective.parameters] : [];
  const next = patched(gate, dialect, { prompt, model: alias, parameters }, asked);
  if (!(next instanceof Promise)) return { decoded: keptOf(decoded, next), layers };
  return next.then((value) => ({ decoded: keptOf(decoded, value), layers }));
}

/** Large bodies are patched where they were read: that holds no loop, however they are built. */
function patched(gate: Gate, dialect: Dialect, order: CustomOrder, { decoded, outside }: Asked): MaybePromise<Decoded> {
  const { prompt, model, parameters } = order;
  const { body } = decoded;
  if (prompt === null && parameters.length === 0 && (model === null || body.contentType !== undefined))
    return model === null ? decoded : withModel(decoded, model);
  const words = outsideOf(outside, model);
  if (offLoop(body.bytes)) return gate.decodePool.customize(body.bytes, dialect.name, order, words);
  const changes = changesOf(dialect, body, order, words?.named?.model);
  if (changes.edits.size === 0 && changes.insertions.length === 0)
    return model === null ? decoded : withModel(decoded, model);
  return decode(Buffer.concat(splicePieces(body.bytes, body.spans, changes)), dialect, gate.decodePool, words);
}

const refused = (field: string, message: string): HeadgateError =>
  new HeadgateError('policy_refused', { field, message });

const noVariables = (why: string): HeadgateError =>
  new HeadgateError('header_not_allowed', { field: VARIABLES_HEADER, message: `\`${VARIABLES_HEADER}\` ${why}.` });

const withModel = (decoded: Decoded, model: string): Decoded => ({ ...decoded, view: { ...decoded.view, model } });

/** What the first reading found and the second cannot: what a rewriting left out, and words that stand for a header. */
const keptOf = (first: Decoded, { body, view }: Decoded): Decoded => ({
  body,
  view: first.view.leftOut ? { ...view, leftOut: first.view.leftOut } : view,
  ...(first.lifted !== undefined && { lifted: first.lifted }),
});

const outsideOf = (outside: OutsideWords | undefined, model: string | null): OutsideWords | undefined =>
  outside?.named && model !== null ? { ...outside, named: { ...outside.named, model } } : outside;

/** What a provider keeps under an id may hold tools and instructions that nobody here can read. */
const HIDES_TOOLS: ReadonlySet<string> = new Set(['prompt', 'cached_content']);

function checkTools(effective: Effective, dialect: Dialect, { body, view }: Decoded): void {
  if (effective.tools.length === 0 || dialect.kind !== 'generate') return;
  const hidden = view.keptIds.find(({ kind }) => HIDES_TOOLS.has(kind));
  if (hidden) throw refused(hidden.field, 'The tools of this call are limited, and this may hold others.');
  const own = view.toolNames ?? dialect.seams?.toolNames(body) ?? [];
  const names = [...own, ...view.hostedTools];
  const found = refusedTool(effective, names);
  if (found) throw refused('tools', `The tool \`${found.tool.slice(0, 128)}\` is not allowed by ${levelOf(found.by)}.`);
}

const levelOf = (by: string): string => `the ${by.split(/[:@]/, 1)[0]} layer`;

function promptOf(effective: Effective, dialect: Dialect, { view }: Decoded, header: string | null): Prompt | null {
  const { templates } = effective;
  const given = header === null ? NO_VALUES : readCallValues(header, templates);
  if (!given.ok) throw noVariables(given.error);
  if (templates.length === 0 || (dialect.kind !== 'generate' && dialect.kind !== 'count')) return null;
  if (dialect.seams?.instruct === undefined) {
    if (dialect.kind === 'count') return null;
    throw refused('model', `This endpoint has no place for the instructions of ${levelOf(templates[0]!.by)}.`);
  }
  const cached = view.keptIds.find(({ kind }) => kind === 'cached_content');
  if (cached)
    throw refused(cached.field, `Cached content leaves no place for the instructions of ${levelOf(templates[0]!.by)}.`);
  const prompt = renderPrompt(templates, given.value);
  if ('lacks' in prompt)
    throw new HeadgateError('invalid_request', {
      field: VARIABLES_HEADER,
      message: `This call needs a text for \`${prompt.lacks}\` in \`${VARIABLES_HEADER}\`.`,
    });
  if ('tooLong' in prompt)
    throw refused('model', 'The instructions of the layers are too long with their texts in place.');
  return prompt;
}

const NO_VALUES = { ok: true, value: new Map<string, string>() } as const;
