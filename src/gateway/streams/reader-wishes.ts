import type { IncomingHttpHeaders } from 'node:http';
import type { GateConfig } from '../config/resolve.ts';
import type { DialectName } from '#wire/canonical.ts';
import { takesDataAlone } from './heartbeat.ts';
import type { ReaderOptions } from './response-reader.ts';

/** What a reader asks for by header or query, and where the configuration lets it go. */
export function readerWishes(
  dialect: DialectName,
  asked: {
    readonly request: { readonly headers: IncomingHttpHeaders };
    readonly query: string;
    readonly config: GateConfig;
  },
): Omit<ReaderOptions, 'heartbeat'> {
  const end = asked.request.headers['x-headgate-end'] ?? new URLSearchParams(asked.query).get('end');
  const dataAlone = takesDataAlone(dialect, asked.request.headers['user-agent']);
  return { endAsEvent: end === 'event', dataAlone, slow: asked.config.file.stream.slowReader };
}
