import type { ProxyProgram } from './proxies.ts';

/** `timeouts`: of client and server, as Debian sets them with 50 s. `more`: further lines of the defaults. */
export const haproxy = (timeouts: string, more: readonly string[] = []): ProxyProgram => ({
  product: 'haproxy',
  binary: 'haproxy',
  files: ({ port, target, tls }) => ({
    'haproxy.cfg': `global
  maxconn 512
defaults
  mode http
  timeout connect 5s
  timeout client ${timeouts}
  timeout server ${timeouts}
${more.map((line) => `  ${line}\n`).join('')}
frontend in
  bind 127.0.0.1:${port}${tls === null ? '' : ` ssl crt ${tls.both} alpn h2,http/1.1`}
  default_backend gate
backend gate
  server gate 127.0.0.1:${target}
`,
  }),
  args: ({ dir }) => ['-f', `${dir}/haproxy.cfg`, '-db'],
});
