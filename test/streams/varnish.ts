import type { ProxyProgram } from './proxies.ts';

/** `backend`: further lines of it, such as timeouts. `more`: subroutines. */
export const varnish = (backend: string, more = ''): ProxyProgram => ({
  product: 'varnish',
  binary: 'varnishd',
  files: ({ target }) => ({
    'gate.vcl': `vcl 4.1;
backend gate { .host = "127.0.0.1"; .port = "${target}"; ${backend} }
${more}
`,
  }),
  args: ({ port, dir }) => [
    ...['-F', '-j', 'none', '-n', `${dir}/run`, '-s', 'malloc,16m', '-p', 'thread_pools=1'],
    ...['-a', `127.0.0.1:${port}`, '-f', `${dir}/gate.vcl`],
  ],
});
