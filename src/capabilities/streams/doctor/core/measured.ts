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
  /** Whether the first hop speaks HTTP/2 with whoever asks for it; null: not tried or no answer. */
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

export interface Measured {
  readonly http: HttpFacts;
  readonly sse: SseFacts;
  readonly websocket: SocketFacts;
  readonly grpc: GrpcFacts;
  readonly grpcWeb: GrpcFacts;
}
