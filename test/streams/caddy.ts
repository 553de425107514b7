import type { ProxyProgram } from './proxies.ts';

/** `proxy`: lines of the reverse proxy. `site`: lines beside it. */
export const caddy = (proxy: string, site = ''): ProxyProgram => ({
  product: 'caddy',
  binary: 'caddy',
  files: ({ port, target }) => ({
    Caddyfile: `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  ${site}
  reverse_proxy 127.0.0.1:${target} {
    ${proxy}
  }
}
`,
  }),
  args: ({ dir }) => ['run', '--config', `${dir}/Caddyfile`, '--adapter', 'caddyfile'],
});
