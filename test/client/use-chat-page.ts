import * as esbuild from 'esbuild-wasm';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const libraries = join(import.meta.dirname, '..', 'clients', 'libraries');

/** Why React and `@ai-sdk/react` are not there; false: they are. */
export const noReact: string | false = existsSync(join(libraries, 'node_modules/@ai-sdk/react'))
  ? false
  : 'React and @ai-sdk/react are not installed (npm run test:libraries:install)';

/** As an application writes it: a chat that takes its stream up again when its page is loaded, and after an error. */
const APPLICATION = `
  import { createElement, useEffect, useRef } from 'react';
  import { createRoot } from 'react-dom/client';
  import { useChat } from '@ai-sdk/react';
  import { DefaultChatTransport } from 'ai';

  const { gate, key, chat, resume } = Object.fromEntries(new URLSearchParams(location.search));
  const headers = { authorization: 'Bearer ' + key, 'x-headgate-resume': 'true' };
  const transport = new DefaultChatTransport({ api: gate + '/v1/ui/chat', headers, body: { model: 'chat' } });
  const show = (message) => message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('');

  function Chat() {
    const errors = useRef([]);
    const cut = useRef(false);
    const { messages, status, sendMessage, resumeStream, stop } = useChat({
      id: chat, transport, resume: resume === 'true',
      onError: (error) => { errors.current.push(String(error)); cut.current = true; },
    });
    useEffect(() => {
      if (status !== 'error' || !cut.current || errors.current.length > 5) return;
      cut.current = false;
      setTimeout(resumeStream, 50);
    }, [status]);
    useEffect(() => void (window.chat = { messages, status, errors: errors.current, send: (text) => void sendMessage({ text }), stop,
      cancel: () => fetch(gate + '/v1/ui/chat/' + chat + '/cancel', { method: 'POST', headers }).then((answer) => answer.status) }));
    return messages.map((message) => createElement('p', { key: message.id, 'data-role': message.role }, show(message)));
  }
  createRoot(document.body.appendChild(document.createElement('main'))).render(createElement(Chat));
`;

/** The application at an origin of its own. */
export async function startUseChat(): Promise<{ readonly origin: string; close(): void }> {
  const built = await esbuild.build({
    stdin: { contents: APPLICATION, resolveDir: libraries, loader: 'js' },
    ...{ bundle: true, format: 'esm', target: 'es2022', write: false, platform: 'browser' },
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const script = built.outputFiles![0]!.contents;
  const server = createServer(({ url = '' }, response) => {
    const isScript = url.startsWith('/app.js');
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html; charset=utf-8' });
    response.end(isScript ? script : '<!doctype html><body><script type="module" src="/app.js"></script>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}
