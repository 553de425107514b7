import type { ProxyProgram, TlsFiles } from './proxies.ts';

const MODULES = '/usr/lib/apache2/modules';
const LOADED = ['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'proxy_wstunnel', 'filter', 'deflate'];

const tlsLines = ({ cert, key }: TlsFiles): string => `LoadModule ssl_module ${MODULES}/mod_ssl.so
LoadModule http2_module ${MODULES}/mod_http2.so
SSLEngine on
SSLCertificateFile ${cert}
SSLCertificateKeyFile ${key}
Protocols h2 http/1.1`;

/** `target`: what follows the address in ProxyPass. `more`: further lines. */
export const apache = (target: string, more: readonly string[] = []): ProxyProgram => ({
  product: 'apache',
  binary: 'apache2',
  files: (site) => ({
    'apache.conf': `ServerRoot ${site.dir}
${LOADED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so\n`).join('')}
PidFile ${site.dir}/apache.pid
ErrorLog ${site.dir}/error.log
ServerName localhost
${site.tls === null ? '' : tlsLines(site.tls)}
Listen 127.0.0.1:${site.port}
User www-data
Group www-data
StartServers 1
ThreadsPerChild 64
MaxRequestWorkers 256
ProxyPass / http://127.0.0.1:${site.target}/ ${target}
${more.join('\n')}
`,
  }),
  args: ({ dir }) => ['-DFOREGROUND', '-f', `${dir}/apache.conf`],
});
