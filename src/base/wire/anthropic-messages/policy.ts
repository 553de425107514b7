import { err, ok, type Result } from '#kernel/result.ts';
import type { FieldFault, PolicyView } from '../dialect.ts';
import type { StrictJson } from '../json/strict.ts';
import { clientIds } from './client-ids.ts';
import { isObject, type JsonObject } from '../json/read.ts';
import { hostedFamily } from './tool-types.ts';

type KeptId = PolicyView['keptIds'][number];

/** What the walk over a body has found; the first fault wins. */
interface Found {
  fault: FieldFault | null;
  readonly kept: KeptId[];
  readonly hosted: Set<string>;
  images: number;
  files: number;
}

/** `count_tokens` has no `max_tokens`, no `stream` and costs nothing. */
export interface PolicyOptions {
  readonly maxTokensRequired: boolean;
}

/** Reads the policy fields of a Messages or count_tokens body, strictly: one of a wrong type is a 400. */
export function readPolicy(request: StrictJson, { maxTokensRequired }: PolicyOptions): Result<PolicyView, FieldFault> {
  const body = request.value;
  const found: Found = { fault: null, kept: [], hosted: new Set(), images: 0, files: 0 };
  const model = text(found, body, 'model');
  if (model === null || model === '') fail(found, 'model', '`model` must be a text that is not empty.');
  const maxOutputTokens = count(found, body, 'max_tokens');
  if (maxTokensRequired && maxOutputTokens === null)
    fail(found, 'max_tokens', '`max_tokens` is required: an integer from 0.');
  const stream = flag(found, body, 'stream');
  const serviceTier = text(found, body, 'service_tier');
  const ids = clientIds(userIdOf(found, body));
  readTools(found, body);
  readKept(found, body);
  readSystem(found, body);
  readMessages(found, body);
  if (found.fault) return err(found.fault);
  return ok({
    model: model!,
    stream: stream === true,
    includeUsage: true,
    maxOutputTokens,
    n: 1,
    serviceTier,
    store: null,
    background: false,
    cacheSalt: Object.hasOwn(body, 'cache_salt'),
    hostedTools: [...found.hosted],
    endUser: ids.endUser,
    sessionHint: ids.session,
    keptIds: found.kept,
    media: { images: found.images, audios: 0, files: found.files },
    inputs: 1,
  });
}

function fail(found: Found, field: string, message: string): void {
  found.fault ??= { code: 'invalid_request', field, message };
}

function text(found: Found, body: JsonObject, field: string): string | null {
  const value = body[field];
  if (value === undefined) return null;
  if (typeof value === 'string') return value;
  fail(found, field, `\`${field}\` must be a text.`);
  return null;
}

function flag(found: Found, body: JsonObject, field: string): boolean | null {
  const value = body[field];
  if (value === undefined) return null;
  if (typeof value === 'boolean') return value;
  fail(found, field, `\`${field}\` must be true or false.`);
  return null;
}

/** Zero is allowed: it warms the prompt cache without an answer (SDK 1.12.0, `max_tokens`). */
function count(found: Found, body: JsonObject, field: string): number | null {
  const value = body[field];
  if (value === undefined) return null;
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  fail(found, field, `\`${field}\` must be an integer from 0.`);
  return null;
}

function userIdOf(found: Found, body: JsonObject): string | null {
  const metadata = body['metadata'];
  if (metadata === undefined || metadata === null) return null;
  if (!isObject(metadata)) return (fail(found, 'metadata', '`metadata` must be an object.'), null);
  const userId = metadata['user_id'] ?? null;
  if (userId === null || typeof userId === 'string') return userId;
  fail(found, 'metadata.user_id', '`metadata.user_id` must be a text.');
  return null;
}

function readTools(found: Found, body: JsonObject): void {
  const tools = body['tools'];
  if (tools !== undefined && !Array.isArray(tools)) return fail(found, 'tools', '`tools` must be an array.');
  for (const [index, tool] of ((tools as readonly unknown[] | undefined) ?? []).entries()) {
    if (!isObject(tool)) return fail(found, `tools[${index}]`, 'A tool must be an object.');
    const type = tool['type'];
    if (type !== undefined && type !== null && typeof type !== 'string') {
      return fail(found, `tools[${index}].type`, 'The type of a tool must be a text.');
    }
    const hosted = hostedFamily(type);
    if (hosted !== null) found.hosted.add(hosted);
  }
  const servers = body['mcp_servers'];
  if (servers !== undefined && !Array.isArray(servers))
    return fail(found, 'mcp_servers', '`mcp_servers` must be an array.');
  if (Array.isArray(servers) && servers.length > 0) found.hosted.add('mcp_toolset');
}

/** Ids that Anthropic keeps for the account: containers, custom skills, threads (files are in the messages). */
function readKept(found: Found, body: JsonObject): void {
  const container = body['container'] ?? null;
  if (typeof container === 'string') found.kept.push({ kind: 'container', id: container, field: 'container' });
  else if (isObject(container)) readContainer(found, container);
  else if (container !== null) fail(found, 'container', '`container` must be a text or an object.');
  const thread = body['thread'] ?? null;
  if (thread === null) return;
  if (!isObject(thread)) return fail(found, 'thread', '`thread` must be an object.');
  keep(found, thread, 'previous_message_id', 'message', 'thread.previous_message_id');
}

function readContainer(found: Found, container: JsonObject): void {
  keep(found, container, 'id', 'container', 'container.id');
  const skills = container['skills'] ?? [];
  if (!Array.isArray(skills)) return fail(found, 'container.skills', '`container.skills` must be an array.');
  for (const [index, skill] of skills.entries()) {
    const field = `container.skills[${index}]`;
    if (!isObject(skill)) fail(found, field, 'A skill must be an object.');
    // Skills of type `anthropic` are everybody's.
    else if (skill['type'] !== 'anthropic') keep(found, skill, 'skill_id', 'skill', `${field}.skill_id`);
  }
}

function keep(found: Found, value: JsonObject, name: string, kind: string, field: string): void {
  const id = value[name] ?? null;
  if (typeof id === 'string') found.kept.push({ kind, id, field });
  else if (id !== null) fail(found, field, `\`${field}\` must be a text.`);
}

function readSystem(found: Found, body: JsonObject): void {
  const system = body['system'];
  if (system === undefined || system === null || typeof system === 'string') return;
  if (!Array.isArray(system)) return fail(found, 'system', '`system` must be a text or an array of text blocks.');
  readBlocks(found, system, 'system');
}

function readMessages(found: Found, body: JsonObject): void {
  const messages = body['messages'];
  if (!Array.isArray(messages)) return fail(found, 'messages', '`messages` must be an array.');
  for (let index = 0; index < messages.length && !found.fault; index++) {
    const message: unknown = messages[index];
    if (!isObject(message)) return fail(found, `messages[${index}]`, 'A message must be an object.');
    if (typeof message['role'] !== 'string') return fail(found, `messages[${index}].role`, 'A role must be a text.');
    readContent(found, message['content'], `messages[${index}].content`);
  }
}

function readContent(found: Found, content: unknown, path: string): void {
  if (typeof content === 'string' || content === undefined || content === null) return;
  if (!Array.isArray(content)) return fail(found, path, 'Content must be a text or an array of blocks.');
  readBlocks(found, content, path);
}

function readBlocks(found: Found, blocks: readonly unknown[], path: string): void {
  for (let index = 0; index < blocks.length; index++) {
    const block = blocks[index];
    if (!isObject(block)) return fail(found, `${path}[${index}]`, 'A block must be an object.');
    const type = block['type'];
    if (typeof type !== 'string') return fail(found, `${path}[${index}].type`, 'The type of a block must be a text.');
    if (type === 'text') continue;
    if (type === 'image') readSource(found, block, 'images', `${path}[${index}]`);
    else if (type === 'document') readSource(found, block, 'files', `${path}[${index}]`);
    else if (type === 'container_upload') {
      found.files++;
      keep(found, block, 'file_id', 'file', `${path}[${index}].file_id`);
    } else if (type.endsWith('tool_result') && Array.isArray(block['content'])) {
      readBlocks(found, block['content'], `${path}[${index}].content`);
    }
  }
}

/** Text sources are measured by their bytes; a document may hold blocks of its own. */
function readSource(found: Found, block: JsonObject, kind: 'images' | 'files', path: string): void {
  const source = block['source'];
  if (!isObject(source)) return fail(found, `${path}.source`, 'A source must be an object.');
  const type = source['type'];
  if (type === 'content') return readContent(found, source['content'], `${path}.source.content`);
  if (type === 'text') return;
  found[kind]++;
  if (type === 'file') keep(found, source, 'file_id', 'file', `${path}.source.file_id`);
}
