import { LabError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { FileStore, StoredFile } from './file-store.ts';
import { partsOf } from './multipart.ts';
import type { Route } from './routes.ts';

const PURPOSES = new Set(['assistants', 'batch', 'fine-tune', 'vision', 'user_data', 'evals']);

/** Serves `/files` of both APIs: OpenAI's where a purpose is sent, Anthropic's where `anthropic-version` is. */
export function serveFiles(
  files: FileStore,
  exchange: Exchange,
  route: Route,
  body: Buffer,
  newId: () => string,
): void {
  const anthropic = exchange.dialect === 'anthropic';
  const { id, action } = route;
  if (exchange.entry.method === 'POST')
    return exchange.json(200, shown(upload(files, exchange, body, newId), anthropic));
  if (id === null) return exchange.json(200, listOf(files, anthropic));
  const file = files.get(id);
  if (!file) throw new LabError(404, anthropic ? `File not found: ${id}` : `No such File object: ${id}`);
  if (action === 'content') return exchange.bytes(200, file.bytes, file.mimeType);
  if (action !== 'delete') return exchange.json(200, shown(file, anthropic));
  files.delete(id);
  exchange.json(200, anthropic ? { id, type: 'file_deleted' } : { id, object: 'file', deleted: true });
}

function upload(files: FileStore, exchange: Exchange, body: Buffer, newId: () => string): StoredFile {
  const anthropic = exchange.dialect === 'anthropic';
  const parts = partsOf(body, String(exchange.request.headers['content-type']));
  const file = parts.find(({ name }) => name === 'file');
  if (!file) throw new LabError(400, "'file' is a required property");
  const purpose = parts.find(({ name }) => name === 'purpose')?.bytes.toString() ?? '';
  if (!anthropic && !PURPOSES.has(purpose))
    throw new LabError(400, `'${purpose}' is not one of ['fine-tune', …] - 'purpose'`);
  return files.put({
    id: `${anthropic ? 'file_' : 'file-'}${newId()}`,
    bytes: Buffer.from(file.bytes),
    filename: file.filename ?? 'upload',
    mimeType: file.type ?? 'application/octet-stream',
    purpose,
    createdS: Math.floor(Date.now() / 1000),
  });
}

/** The whole account's: whoever passes it on shows one tenant another's. */
function listOf(files: FileStore, anthropic: boolean): object {
  const data = files
    .all()
    .filter(({ id }) => id.startsWith('file_') === anthropic)
    .map((file) => shown(file, anthropic))
    .toReversed();
  return anthropic ? { data, next_page: null } : { object: 'list', data, has_more: false };
}

export const shown = (file: StoredFile, anthropic: boolean): object =>
  anthropic
    ? {
        type: 'file',
        id: file.id,
        filename: file.filename,
        mime_type: file.mimeType,
        size_bytes: file.bytes.length,
        created_at: new Date(file.createdS * 1000).toISOString(),
        downloadable: true,
      }
    : {
        object: 'file',
        id: file.id,
        purpose: file.purpose,
        filename: file.filename,
        bytes: file.bytes.length,
        created_at: file.createdS,
        expires_at: null,
        status: 'processed',
        status_details: null,
      };
