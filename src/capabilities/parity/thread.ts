import type { MessagePort } from 'node:worker_threads';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { DialectName } from '#wire/canonical.ts';
import type { Dialect } from '#wire/dialect.ts';
import { assemble } from './core/assemble.ts';
import type { CaptureKey } from './core/envelope.ts';
import { redactJson, redactText, type OwnRules } from './core/redact.ts';
import type {
  CallContent,
  CapturedAttempt,
  CapturedCall,
  Cut,
  FromVault,
  ReadAnswer,
  StreamPart,
  TextPart,
  ToVault,
  VaultSettings,
  VaultStats,
} from './messages.ts';
import { ownRules } from './own-rules.ts';
import { Vault } from './vault.ts';

export interface VaultThreadOptions {
  readonly dir: string;
  readonly port: MessagePort;
  readonly settings: VaultSettings;
  readonly dialects: Readonly<Record<DialectName, Dialect>>;
  readonly now: () => number;
}

const FORGET_EVERY_MS = 10_000;

/** The thread that redacts, seals, writes, reads and deletes captured text. Nothing leaves it in the clear but a read. */
export function serveVault({ dir, port, settings: first, dialects, now }: VaultThreadOptions): void {
  let settings = first;
  let own = ownRules(first.redact);
  const vault = new Vault(dir);
  const counts = { kept: 0, full: 0, failed: 0 };
  let trouble: string | null = null;
  const isFull = (): boolean => vault.bytes >= settings.maxBytes;
  const stats = (): VaultStats => ({
    bytes: vault.bytes,
    records: vault.records,
    ...counts,
    isFull: isFull(),
    trouble,
  });
  const tell = (message: FromVault): void => port.postMessage(message);

  const keep = (captured: CapturedCall): void => {
    const key = settings.keys[0];
    if (isFull() || key === undefined) return void counts.full++;
    try {
      const text = deflateRawSync(Buffer.from(JSON.stringify(contentOf(captured, { dialects, own }))));
      const { call, tenant, at } = captured;
      vault.append({ call, tenant, at, expiresAt: now() + settings.retentionMs }, text, { key, now: now() });
      counts.kept++;
      trouble = null;
    } catch (error) {
      counts.failed++;
      // Never the error's text: it may quote what it could not write.
      trouble = (error as NodeJS.ErrnoException).code ?? 'failed';
    }
  };

  const forget = (): void => {
    try {
      if (vault.forget(now()) > 0) tell({ done: 'stats', stats: stats() });
    } catch (error) {
      trouble = (error as NodeJS.ErrnoException).code ?? 'failed';
    }
  };
  forget();
  tell({ done: 'stats', stats: stats() });
  const timer = setInterval(forget, FORGET_EVERY_MS);

  port.on('message', (message: ToVault) => {
    if (message.do === 'keep') {
      keep(message.captured);
      tell({ done: 'keep', bytes: message.captured.bytes.length, stats: stats() });
    } else if (message.do === 'read') {
      tell({ done: 'read', id: message.id, answer: read(vault, message.call, settings.keys, now()) });
    } else if (message.do === 'settings') {
      settings = message.settings;
      own = ownRules(settings.redact);
      tell({ done: 'stats', stats: stats() });
    } else {
      clearInterval(timer);
      vault.close();
      tell({ done: 'close' });
      setImmediate(() => port.close());
    }
  });
}

function read(vault: Vault, call: string, keys: readonly CaptureKey[], now: number): ReadAnswer {
  const head = vault.head(call);
  if (head === null) return { missing: 'none' };
  if (head.expiresAt <= now) return { missing: 'expired' };
  try {
    const found = vault.read(call, keys);
    if (found === null) return { missing: 'tampered' };
    if ('needs' in found) return { missing: 'key', keyId: found.needs };
    return { found: { ...(JSON.parse(inflateRawSync(found).toString()) as CallContent), expiresAt: head.expiresAt } };
  } catch {
    return { missing: 'tampered' };
  }
}

interface Tools {
  readonly dialects: VaultThreadOptions['dialects'];
  readonly own: OwnRules | null;
}

/** What is kept of a call. From here on there is nothing that was not redacted. */
export function contentOf(captured: CapturedCall, tools: Tools): Omit<CallContent, 'expiresAt'> {
  const { call, tenant, at, dialect, client, attempts } = captured;
  return {
    ...{ call, tenant, at, dialect },
    client: textPart(captured, client, tools),
    attempts: attempts.map((one) => ({
      ...{ n: one.n, deployment: one.deployment, dialect: one.dialect, status: one.status },
      request: textPart(captured, one.request, tools),
      answer: one.stream ? streamPart(captured, one, tools) : textPart(captured, one.answer, tools),
    })),
  };
}

/** The end of a text that was cut may be the half of a secret, which no pattern knows: it goes. */
const EDGE_CHARS = 1_024;
const whole = (text: string, cut: boolean): string => (cut ? text.slice(0, -EDGE_CHARS) : text);

const bytesOf = ({ bytes }: CapturedCall, { from, to }: Cut): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from);

const textPart = (captured: CapturedCall, cut: Cut, { own }: Tools): TextPart => ({
  kind: 'text',
  text: whole(redactJson(bytesOf(captured, cut).toString('utf8'), own), cut.cut),
  cut: cut.cut,
});

function streamPart(captured: CapturedCall, attempt: CapturedAttempt, { dialects, own }: Tools): StreamPart {
  const { blocks, finish, error, complete } = assemble(bytesOf(captured, attempt.answer), dialects[attempt.dialect]);
  return {
    kind: 'stream',
    // Arguments of tools are JSON of their own.
    blocks: blocks.map(({ kind, name, text }) => ({
      kind,
      name,
      text: whole(redactJson(text, own), attempt.answer.cut),
    })),
    finish,
    error: error === null ? null : redactText(error, own),
    complete,
    cut: attempt.answer.cut,
  };
}
