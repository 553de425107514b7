import { request as httpRequest, type IncomingMessage } from 'node:http';

/** One connection to a gate, read as text. */
export interface Reading {
  readonly response: IncomingMessage;
  text(): string;
  /** Resolves with how it ended. */
  readonly ended: Promise<'clean' | 'broken'>;
  leave(): void;
}

export interface Opening {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: object;
}

/** Opens a connection with a key of the gate. */
export function openWith(gate: { readonly url: string; readonly key: string }, opening: Opening): Promise<Reading> {
  const { method, path, headers = {}, body } = opening;
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      gate.url + path,
      { method, headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json', ...headers } },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => (text += piece));
        const ended = new Promise<'clean' | 'broken'>((done) => {
          response.on('end', () => done('clean'));
          response.on('error', () => done('broken'));
        });
        resolve({ response, text: () => text, ended, leave: () => request.destroy() });
      },
    );
    request.on('error', reject);
    request.end(body && JSON.stringify(body));
  });
}

export const callIdOf = ({ response }: Reading): string => String(response.headers['x-headgate-call-id']);
export const lastIdOf = (text: string): string => [...text.matchAll(/^id: (.+)$/gm)].at(-1)![1]!;
/** Without ids, signs of life and the end: the events themselves. */
export const eventsOf = (text: string): string =>
  text
    .replaceAll(/^(id: .*\n|: ping\n\n|: headgate-end .*\n\n)/gm, '')
    .replaceAll(/^event: headgate\..*\ndata: .*\n\n/gm, '');

/** The terminal event of a stream, in either form; null: it has none. */
export function endOf(text: string): any {
  const [, json] = /^(?:: headgate-end |event: headgate\.end\ndata: )(.*)$/m.exec(text) ?? [];
  return json === undefined ? null : JSON.parse(json);
}
