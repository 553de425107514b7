import { join } from 'node:path';
import type { TenantId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { StoredThing } from '#ports/stored-things.ts';
import type { Provider } from '#providers/index.ts';
import type { Gate } from '../gate.ts';
import { refuseUnderLayers } from '../layered/stored.ts';
import { NO_HINTS } from './attribution.ts';
import { BatchIntake, OPENAI_LINE } from './batch-intake.ts';
import type { BatchLines } from './batch-plan.ts';
import { chooseProvider } from './choose-provider.ts';
import { storedMaskOf } from '../prefix-cache/shown.ts';
import { headOf, pass, passError, sendJson, succeeded } from './deliver.ts';
import type { StoredExchange } from './exchange.ts';
import { formBody } from './form-body.ts';
import { Gathered } from './gathered.ts';
import { basePath, holderOf } from './holder.ts';
import { linesOf, Turn } from './jsonl.ts';
import { limitOf, messagesList, messagesPage, openaiPage, pageOf } from './lists.ts';
import { readUpload, type Upload } from './read-upload.ts';
import { UploadFile } from './upload-file.ts';
import { ask, collect, type UpstreamAnswer } from './upstream.ts';

/** `FilePurpose` of openai 7.57.0. */
const PURPOSES: ReadonlySet<string> = new Set(['assistants', 'batch', 'fine-tune', 'vision', 'user_data', 'evals']);
/** What describes a file is small. */
export const OBJECT_BYTES = 4 * 1024 * 1024;

/** Files of both APIs: uploaded, listed, looked at, downloaded, deleted, each by its own tenant alone. */
export async function serveFile(gate: Gate, exchange: StoredExchange): Promise<void> {
  const { action } = exchange.route;
  if (action === 'create') return upload(gate, exchange);
  if (action === 'list') return list(gate, exchange);
  const { provider, base } = await holderOf(gate, exchange);
  if (action === 'delete') await gate.stored.batches.beforeFileGoes(exchange.caller.tenant.id, exchange.route.id);
  const { route, query, request } = exchange;
  const answer = await ask(gate, {
    provider,
    family: route.family,
    method: action === 'delete' ? 'DELETE' : 'GET',
    path: `${base}/${encodeURIComponent(route.id)}${action === 'content' ? '/content' : ''}`,
    query,
    headers: request.headers,
  });
  if (action === 'content' || !succeeded(answer)) {
    const mask =
      action === 'content' && (await isResults(gate, exchange.caller.tenant.id, route.id))
        ? storedMaskOf(gate, exchange, provider)
        : null;
    return pass(exchange, provider, answer, mask);
  }
  const body = await collect(answer, OBJECT_BYTES);
  if (action === 'delete') await gate.stored.things.remove(exchange.caller.tenant.id, 'file', route.id);
  else await shownAnew(gate, exchange.caller.tenant.id, { kind: 'file', id: route.id, shown: body.toString('utf8') });
  sendJson(exchange, body, headOf(exchange, provider, answer));
}

/** Did a batch write the file? What is not known to be an upload is shown as one that did: while the store is away as well. */
async function isResults(gate: Gate, tenant: TenantId, id: string): Promise<boolean> {
  const thing = await gate.stored.things.get(tenant, 'file', id).catch(() => null);
  return thing === null || (JSON.parse(thing.facts ?? '{}') as { job?: string }).job !== undefined;
}

async function list(gate: Gate, exchange: StoredExchange): Promise<void> {
  const { things } = gate.stored;
  const query = new URLSearchParams(exchange.query);
  if (exchange.route.family === 'anthropic') {
    const ids = [...query.getAll('ids'), ...query.getAll('ids[]')];
    const matches = (object: Record<string, unknown>): boolean =>
      ids.length === 0 || ids.includes(String(object['id']));
    return sendJson(exchange, JSON.stringify(messagesPage(await messagesList(things, exchange, 'file', matches))));
  }
  const purpose = query.get('purpose');
  const page = await pageOf(things, exchange, {
    kind: 'file',
    limit: limitOf(query, 10_000, 10_000),
    order: query.get('order') === 'asc' ? 'asc' : 'desc',
    after: query.get('after'),
    matches: (object) => purpose === null || object['purpose'] === purpose,
  });
  sendJson(exchange, JSON.stringify(openaiPage(page)));
}

/** What goes to a provider, and what the gate notes of it. */
interface Ready {
  readonly provider: Provider;
  readonly file: UploadFile;
  readonly lines: BatchLines | null;
}

async function upload(gate: Gate, exchange: StoredExchange): Promise<void> {
  const attributed = gate.tenants.attribute(exchange.caller, exchange.request.headers, NO_HINTS);
  if (!attributed.ok) throw attributed.error;
  const { feature } = attributed.value;
  refuseUnderLayers(gate, exchange.caller, feature);
  const upload = await readUpload(exchange);
  let ready: Ready | null = null;
  try {
    ready = await checked(gate, exchange, upload, feature);
    await send(gate, exchange, upload, ready);
  } finally {
    await upload.file.close();
    if (ready && ready.file !== upload.file) await ready.file.close();
  }
}

async function checked(gate: Gate, exchange: StoredExchange, upload: Upload, feature: string | null): Promise<Ready> {
  const plain = (): Ready => ({ provider: chooseProvider(gate, exchange, feature), file: upload.file, lines: null });
  if (exchange.route.family === 'anthropic') return plain();
  const purpose = upload.fields.find(([name]) => name === 'purpose')?.[1];
  if (purpose === undefined || !PURPOSES.has(purpose))
    throw new HeadgateError('invalid_request', {
      field: 'purpose',
      message: `\`purpose\` must be one of ${[...PURPOSES].join(', ')}.`,
    });
  return purpose === 'batch' ? checkedLines(gate, exchange, upload, feature) : plain();
}

/** A batch's input: every line checked, and rewritten where its model has another id at the provider. */
async function checkedLines(
  gate: Gate,
  exchange: StoredExchange,
  upload: Upload,
  feature: string | null,
): Promise<Ready> {
  const { file: config, providers } = exchange.config;
  const intake = new BatchIntake(gate, exchange, OPENAI_LINE, feature);
  const file = await UploadFile.make(join(config.dataDir, 'uploads'));
  const turn = new Turn(() => gate.clock.mono());
  try {
    const out = new Gathered(file);
    for await (const line of linesOf(upload.file.read(), config.limits.bodyBytes)) {
      await out.add(await intake.add(line));
      await turn.pause();
    }
    await out.flush();
    const lines = intake.whole();
    return { provider: providers.get(lines.provider)!, file, lines };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function send(gate: Gate, exchange: StoredExchange, upload: Upload, ready: Ready): Promise<void> {
  const { provider, file, lines } = ready;
  const { route, request, query } = exchange;
  const path = basePath(provider, exchange);
  if (!path)
    throw new HeadgateError('policy_refused', {
      field: 'file',
      message: 'The provider of this model keeps no files here.',
    });
  const form = formBody(upload, file);
  const { family } = route;
  const answer = await ask(gate, { provider, family, method: 'POST', path, query, headers: request.headers, ...form });
  if (!succeeded(answer)) return passError(exchange, provider, answer);
  const body = await collect(answer, OBJECT_BYTES);
  await remember(gate, exchange, provider, { body, lines }).catch(async (error: unknown) => {
    // The store is away: a file that nobody could ask for again is not left behind.
    const gone = `${path}/${encodeURIComponent(idOf(body.toString('utf8')))}`;
    await ask(gate, { provider, family, method: 'DELETE', path: gone }).then(
      ({ body: rest }) => rest.destroy(),
      () => undefined,
    );
    throw error;
  });
  sendJson(exchange, body, headOf(exchange, provider, answer as UpstreamAnswer));
}

async function remember(
  gate: Gate,
  { caller, route }: StoredExchange,
  provider: Provider,
  { body, lines }: { readonly body: Buffer; readonly lines: BatchLines | null },
): Promise<void> {
  const shown = body.toString('utf8');
  const id = idOf(shown);
  const deployment = `${provider.name}/-`;
  gate.tenants.rememberKeptIds(caller, [{ kind: 'file', id }], deployment);
  const { tenant, key } = caller;
  const of = { kind: 'file', id, tenant: tenant.id, key: key.id, deployment, family: route.family } as const;
  await gate.stored.things.put({ ...of, at: gate.clock.now(), shown, facts: lines && JSON.stringify(lines) });
}

/** What a list shows of a thing from now on; while the store is away it shows what it did. */
export const shownAnew = (
  gate: Gate,
  tenant: TenantId,
  { kind, id, shown }: Pick<StoredThing, 'kind' | 'id' | 'shown'>,
): Promise<boolean> => gate.stored.things.show(tenant, kind, id, shown).catch(() => false);

/** The id of an object that a provider answered with. */
export function idOf(shown: string): string {
  try {
    const { id } = JSON.parse(shown) as { id?: unknown };
    if (typeof id === 'string' && id !== '') return id;
  } catch {
    // Not JSON: no id.
  }
  throw new HeadgateError('provider_error', { message: 'The provider answered without an id.' });
}
