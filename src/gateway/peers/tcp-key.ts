import { endianness } from 'node:os';

/** The two ends of a connection, as Node says them. */
export interface Ends {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** How the kernel's table names a connection: `local remote`, each `address:port` in hex. Null: it is not connected. */
export function tcpKey({ localAddress, localPort, remoteAddress, remotePort }: Ends): string | null {
  if (localAddress === undefined || remoteAddress === undefined) return null;
  return `${end(localAddress, localPort!)} ${end(remoteAddress, remotePort!)}`;
}

const end = (address: string, port: number): string =>
  `${words(bytesOf(address))}:${port.toString(16).toUpperCase().padStart(4, '0')}`;

/** The table prints an address in words of 32 bits, each in the machine's own order. */
function words(bytes: Buffer): string {
  if (endianness() === 'LE') bytes.swap32();
  return bytes.toString('hex').toUpperCase();
}

/** Four bytes, or sixteen: an IPv4 client of a socket for both is `::ffff:a.b.c.d` for Node as for the kernel. */
function bytesOf(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [plain = ''] = address.split('%', 1);
  const dotted = plain.lastIndexOf('.') < 0 ? -1 : plain.lastIndexOf(':');
  const tail =
    dotted < 0
      ? []
      : pairs(
          Buffer.from(
            plain
              .slice(dotted + 1)
              .split('.')
              .map(Number),
          ),
        );
  const [before = '', after] = (dotted < 0 ? plain : plain.slice(0, dotted + 1)).split('::');
  const front = groups(before);
  const back = [...groups(after ?? ''), ...tail];
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => 0);
  const bytes = Buffer.alloc(16);
  [...front, ...zeros, ...back].forEach((group, i) => bytes.writeUInt16BE(group, 2 * i));
  return bytes;
}

const groups = (text: string): number[] =>
  text
    .split(':')
    .filter((group) => group !== '')
    .map((group) => parseInt(group, 16));

const pairs = (bytes: Buffer): number[] => [bytes.readUInt16BE(0), bytes.readUInt16BE(2)];
