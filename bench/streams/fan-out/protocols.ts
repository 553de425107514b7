import type { FanOutProtocol } from './protocol.ts';
import { grpc, grpcShared } from './grpc.ts';
import { sse } from './sse.ts';
import { ws, wsNative } from './ws.ts';

/** Protocols that the bench knows by name. */
export const PROTOCOLS: readonly FanOutProtocol[] = [sse, ws, wsNative, grpc, grpcShared];
