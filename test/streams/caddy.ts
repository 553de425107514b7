import type { ProxyProgram } from './proxies.ts';

/** `proxy`: lines of the reverse proxy. `site`: lines beside it. */
export const caddy = (proxy: string, site = ''): ProxyProgram => ({
  product: 'caddy',
  binary: 'caddy',
  files: ({ port, target, tls }) => ({
    Caddyfile: `{
  admin off
  auto_https off
}
${tls === null ? `http://127.0.0.1:${port}` : `https://localhost:${port}`} {
  ${tls === null ? '' : `tls ${tls.cert} ${tls.key}`}
  ${site}
  reverse_proxy 127.0.0.1:${target} {
    ${proxy}
  }
}
`,
  }),
  args: ({ dir }) => ['run', '--config', `${dir}/Caddyfile`, '--adapter', 'caddyfile'],
});
