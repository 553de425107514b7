import type { ProxyProgram, Site } from './proxies.ts';

const config = ({ port, target, dir, tls }: Site, location: string, http = ''): string => `
daemon off; master_process off; pid ${dir}/nginx.pid; error_log ${dir}/error.log;
events { worker_connections 1024; }
http {
  access_log off; ${http}
  client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi; uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
  server {
    listen 127.0.0.1:${port}${tls === null ? '' : ` ssl http2; ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key}`};
    location / { proxy_pass http://127.0.0.1:${target}; ${location} }
  }
}
`;

/** `location`: what stands beside `proxy_pass`. */
export const nginx = (location: string, http = ''): ProxyProgram => ({
  product: 'nginx',
  binary: 'nginx',
  files: (site) => ({ 'nginx.conf': config(site, location, http) }),
  args: ({ dir }) => ['-p', dir, '-c', `${dir}/nginx.conf`, '-e', `${dir}/error.log`],
});
