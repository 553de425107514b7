/** What is known of one way, without words. Pure. */
import type { Cancel } from './cancel.ts';
import type { Compression } from './compression.ts';
import type { Delivery } from './delivery.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Idle } from './idle.ts';
import type { Truncation } from './truncation.ts';
import type { Upgrade } from './upgrade.ts';

export interface HttpFacts {
  /** Between the doctor and the first hop. */
  readonly clientVersion: string | null;
  /** Between the last hop and the gate. */
  readonly originVersion: string | null;
  /** Whether the first hop is reached by TLS: without it no browser speaks HTTP/2. */
  readonly secure: boolean;
  /** Whether the first hop speaks HTTP/2 with whoever asks for it: over TLS, whether it chooses it where a browser offers both (ALPN). Null: no answer. */
  readonly offersHttp2: boolean | null;
  /** The least of a small answer, on an open connection. */
  readonly roundTripMs: number | null;
  /** As the way names itself: shown, and never judged by. */
  readonly server: string | null;
  readonly via: string | null;
}

export interface SseFacts {
  readonly delivery: Delivery;
  /** The same with `x-accel-buffering: no` from the origin. */
  readonly withHeader: Delivery;
  readonly compression: Compression;
  readonly idle: Idle;
  readonly heartbeat: Heartbeat;
  readonly truncation: Truncation;
  readonly cancel: Cancel;
}

export interface SocketFacts {
  readonly upgrade: Upgrade;
  /** Null where no socket opens. */
  readonly delivery: Delivery | null;
  readonly idle: Idle | null;
  readonly heartbeat: Heartbeat | null;
  readonly cancel: Cancel | null;
}

/** Whether a call of gRPC comes to the gate, and its status back. */
export interface GrpcReach {
  /** `no_status`: something else answered, or a hop dropped the status. `no_http2`: the way ends before any answer. */
  readonly kind: 'reaches' | 'no_http2' | 'no_status' | 'no_answer';
  /** HTTP's, where there was one. */
  readonly status: number | null;
}

/** What a way does to streams of gRPC or gRPC-Web. */
export interface GrpcStreamFacts {
  readonly delivery: Delivery;
  /** The same with `x-accel-buffering: no` from the origin. */
  readonly withHeader: Delivery;
  readonly idle: Idle;
  readonly heartbeat: Heartbeat;
  readonly cancel: Cancel;
}

export interface GrpcFacts extends GrpcReach {
  /** Null where no call reaches the gate, or its echo does not speak the protocol. */
  readonly stream: GrpcStreamFacts | null;
}

/** RFC 8441: the first hop says by its SETTINGS whether it takes a WebSocket as a stream of HTTP/2. */
export interface SocketHttp2Facts {
  /** Null: its SETTINGS did not come. */
  readonly offered: boolean | null;
  /** Null where it is not offered: a browser opens its socket over HTTP/1.1. */
  readonly socket: SocketFacts | null;
}

/** The same way over HTTP/2 to the first hop. */
export interface Http2Facts {
  /** Between the last hop and the gate. */
  readonly originVersion: string | null;
  readonly roundTripMs: number | null;
  readonly sse: SseFacts;
  readonly websocket: SocketHttp2Facts;
}

export interface Measured {
  readonly http: HttpFacts;
  /** Over HTTP/1.1, as SDKs and servers call. */
  readonly sse: SseFacts;
  readonly websocket: SocketFacts;
  /** As browsers call, over TLS. Null: the first hop offers no HTTP/2, or the echo does not answer over it. */
  readonly http2: Http2Facts | null;
  readonly grpc: GrpcFacts;
  readonly grpcWeb: GrpcFacts;
}
