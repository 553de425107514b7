import type { Gate } from '../gate.ts';

type StreamSection = Gate['config']['file']['stream'];

/** Bounds of the configuration of the moment (`stream.webSocket`, `stream.slowReader`). */
export type SocketLimits = StreamSection['webSocket'] & Pick<StreamSection, 'slowReader'>;

export const limitsOf = (gate: Gate): SocketLimits => {
  const { webSocket, slowReader } = gate.config.file.stream;
  return { ...webSocket, slowReader };
};
