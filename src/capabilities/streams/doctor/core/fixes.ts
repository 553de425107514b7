/** What mends what the doctor finds, as data: docs/reference/stream-fixes.md is made from it. Pure. */

export type FixTopic = 'buffering' | 'offset' | 'idle' | 'compression' | 'upgrade' | 'truncation' | 'cancel' | 'http2';

export const HOPS = ['nginx', 'haproxy', 'apache', 'varnish', 'caddy', 'envoy', 'alb', 'cloudflare'] as const;
export type Hop = (typeof HOPS)[number];

export const HOP_TITLES: Readonly<Record<Hop, string>> = {
  nginx: 'nginx',
  haproxy: 'HAProxy',
  apache: 'Apache httpd',
  varnish: 'Varnish',
  caddy: 'Caddy',
  envoy: 'Envoy',
  alb: 'AWS ALB',
  cloudflare: 'Cloudflare',
};

export interface Fix {
  /** As it is written in the hop's configuration; null: there is none. */
  readonly setting: string | null;
  readonly note: string;
  /** `measured`: a test of ours runs the hop with it. `documented`: by the maker's own pages, not run here. */
  readonly basis: 'measured' | 'documented';
}

const measured = (setting: string | null, note: string): Fix => ({ setting, note, basis: 'measured' });
const documented = (setting: string | null, note: string): Fix => ({ setting, note, basis: 'documented' });

export const TOPICS: Readonly<Record<FixTopic, string>> = {
  buffering: 'Events are held back',
  offset: 'Every event is late by the same time',
  idle: 'A silent stream is cut',
  compression: 'Streams are compressed',
  upgrade: 'A WebSocket does not open',
  truncation: 'A truncated stream looks complete',
  cancel: 'The origin does not learn of a cancel in silence',
  http2: 'HTTP/1.1 alone: browsers open six streams to an origin',
};

/** The remedy at the origin, where there is one: it works behind whatever hop. */
export const AT_ORIGIN: Readonly<Record<FixTopic, string>> = {
  buffering: 'Send `X-Accel-Buffering: no`: nginx and what is built on it obey, others do not.',
  offset: 'Nothing: the wait is in the hop. Subtract it from times to the first token that are measured behind it.',
  idle: 'Write a heartbeat every 10 to 15 s: it is shorter than every idle time that was measured or is published.',
  compression:
    'Send `Content-Encoding: identity`: nginx and HAProxy obey it. `Cache-Control: no-transform` HAProxy alone does.',
  upgrade: 'Nothing: serve server-sent events beside the WebSocket, and let the client fall back to them.',
  truncation:
    'End each stream with a terminal event (`[DONE]`, `message_stop`, `response.completed`) and take none without it for whole.',
  cancel: 'Write a heartbeat: the next write or two tell the origin, which bounds the waste.',
  http2: 'Nothing: the hop that browsers connect to speaks it.',
};

export const FIXES: Readonly<Record<FixTopic, Readonly<Record<Hop, Fix>>>> = {
  buffering: {
    nginx: measured('proxy_buffering off;', 'Or `X-Accel-Buffering: no` from the origin.'),
    haproxy: measured(null, 'It does not buffer whole answers.'),
    apache: measured(null, 'mod_proxy_http does not hold events; `ProxyPass … flushpackets=on` where a filter does.'),
    varnish: measured(null, 'It streams; `set beresp.do_stream = true;` where a VCL turned that off.'),
    caddy: measured(null, 'It passes event streams on at once. `flush_interval -1` is not needed, and hides cancels.'),
    envoy: documented(
      null,
      'It streams unless the buffer filter is in the chain: take `envoy.filters.http.buffer` out for these routes.',
    ),
    alb: documented(null, 'It streams to targets of type instance and ip; a Lambda target answers whole.'),
    cloudflare: documented(
      'Network → Response Buffering: off',
      'Off is the default; cacheable answers are buffered all the same: bypass the cache for the path.',
    ),
  },
  offset: {
    nginx: measured(null, 'None was measured.'),
    haproxy: measured(
      'option http-no-delay',
      'Without it each small chunk waits 200 ms for a full segment, in clear; over TLS none was held.',
    ),
    apache: measured(null, 'None was measured.'),
    varnish: measured(null, 'None was measured.'),
    caddy: measured(null, 'None was measured.'),
    envoy: documented(null, 'TCP_NODELAY is its default.'),
    alb: documented(null, 'Nothing is to be set.'),
    cloudflare: documented(null, 'Nothing is to be set.'),
  },
  idle: {
    nginx: measured('proxy_read_timeout 3600s;', 'Default 60 s; WebSockets too.'),
    haproxy: measured(
      'timeout server 1h\ntimeout client 1h\ntimeout tunnel 1h',
      'Debian ships 50 s; `tunnel` is for WebSockets.',
    ),
    apache: measured('ProxyTimeout 3600', 'Default: `Timeout`, 60 s.'),
    varnish: measured('.between_bytes_timeout = 3600s;\n.first_byte_timeout = 3600s;', 'In the backend; default 60 s.'),
    caddy: measured(null, 'It cuts no silent stream by default.'),
    envoy: documented(
      'stream_idle_timeout: 0s   # connection manager\ntimeout: 0s              # route',
      'Defaults: 5 minutes idle, and 15 s for the whole answer of a route.',
    ),
    alb: documented('idle_timeout.timeout_seconds = 4000', 'Default 60 s, 1 to 4000.'),
    cloudflare: documented(
      'proxy_read_timeout (zone setting, Enterprise)',
      'Default 120 s between two reads, then 524: others need heartbeats.',
    ),
  },
  compression: {
    nginx: measured(
      'gzip_types without text/event-stream;',
      '`no-transform` of the origin does not stop it, `Content-Encoding: identity` does.',
    ),
    haproxy: measured('compression type without text/event-stream', 'It obeys `no-transform`.'),
    apache: documented(
      'AddOutputFilterByType DEFLATE text/html …   # not SetOutputFilter',
      'Neither `no-transform` nor `identity` of the origin stops it (measured); `SetEnv no-gzip 1` for the path does by its documentation.',
    ),
    varnish: documented('set beresp.do_gzip = false;', 'Off by default.'),
    caddy: measured(null, '`encode gzip` leaves event streams alone.'),
    envoy: documented('compressor_library … content_type without text/event-stream', 'The filter is off by default.'),
    alb: documented(null, 'It does not compress.'),
    cloudflare: documented(
      'Compression Rule: no compression for the path',
      '`Cache-Control: no-transform` stops it as well.',
    ),
  },
  upgrade: {
    nginx: measured(
      'proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection $connection_upgrade;',
      'With `map $http_upgrade $connection_upgrade { default upgrade; "" ""; }` in `http`.',
    ),
    haproxy: measured(null, 'It passes upgrades.'),
    apache: measured(
      'ProxyPass / http://gate:8787/ upgrade=websocket',
      'Since 2.4.47, with mod_proxy_wstunnel loaded. `H2WebSockets on` takes them over HTTP/2 too.',
    ),
    varnish: measured(
      'sub vcl_recv { if (req.http.upgrade ~ "(?i)websocket") { return (pipe); } }\nsub vcl_pipe { if (req.http.upgrade) { set bereq.http.upgrade = req.http.upgrade; set bereq.http.connection = req.http.connection; } }',
      'Pipe is what passes an upgrade on.',
    ),
    caddy: measured(null, 'It passes upgrades.'),
    envoy: documented(
      'upgrade_configs:\n  - upgrade_type: websocket',
      'In the connection manager or the route; off by default.',
    ),
    alb: documented(null, 'It passes upgrades.'),
    cloudflare: documented('Network → WebSockets: on', 'On is the default.'),
  },
  truncation: {
    nginx: measured(
      'proxy_http_version 1.1;',
      'With HTTP/1.0 to the origin, its default, the end of the connection is the end of the body.',
    ),
    haproxy: measured(
      null,
      'It passes an abort on over HTTP/1.1. To clients of HTTP/2 2.6 ends the stream in order: only a terminal event tells.',
    ),
    apache: measured(null, 'It passes an abort on.'),
    varnish: measured(null, 'It passes an abort on.'),
    caddy: measured(null, '2.6 ends the body in order, whatever happened: only a terminal event tells.'),
    envoy: documented(null, 'It resets the stream.'),
    alb: documented(null, 'Not known: measure it.'),
    cloudflare: documented(null, 'Not known: measure it.'),
  },
  cancel: {
    nginx: measured('proxy_ignore_client_abort off;', 'Off is the default, and tells the origin at once.'),
    haproxy: measured('option abortonclose', 'Without it the origin learns by its next write.'),
    apache: measured(null, 'None is known: the next write or two tell the origin.'),
    varnish: measured(null, 'None is known without pipe: the next writes tell the origin.'),
    caddy: measured(
      '# no flush_interval -1',
      'That setting makes it read on after the client has gone (caddyserver/caddy pull 4952).',
    ),
    envoy: documented(null, 'It resets the stream to the origin.'),
    alb: documented(null, 'Not known: measure it.'),
    cloudflare: documented(null, 'Not known: measure it.'),
  },
  http2: {
    nginx: measured('listen 443 ssl http2;', '`http2 on;` since 1.25.'),
    haproxy: measured('bind :443 ssl crt … alpn h2,http/1.1', 'In clear it speaks it with whoever begins so.'),
    apache: measured('Protocols h2 http/1.1', 'With mod_http2.'),
    varnish: documented('-p feature=+http2', 'Behind a hop that ends TLS.'),
    caddy: measured(null, 'On with TLS.'),
    envoy: documented('codec_type: AUTO\nalpn_protocols: [h2, http/1.1]', ''),
    alb: documented(null, 'On with a TLS listener.'),
    cloudflare: documented(null, 'On with TLS.'),
  },
};
