import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { tcpKey } from './tcp-key.ts';
import { TcpTable, type TableName, type WaitingRow } from './tcp-table.ts';

/** As Linux 6.18 printed them: a listener, an idle connection, one that repeats itself, one whose peer has no room. */
const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 0100007F:075B 00000000:0000 0A 00000000:00000000 00:00000000 00000000   105        0 5844 1 000000008079bfde 100 0 0 10 0                      
 446: 014ED50A:967B 024ED50A:8372 01 00000000:00000000 00:00000000 00000000     0        0 175045 2 0000000058905d3f 20 0 0 29 -1                    
 506: 014ED50A:967B 024ED50A:8373 01 000061A8:00000000 01:0000012C 00000008     0        0 175046 2 0000000058905d3f 326 0 0 1 -1                    
10507: 014ED50A:967B 024ED50A:8374 01 0009C400:00000000 04:00000A2C 00000000  1000        3 175047 2 0000000058905d3f 326 0 0 1 -1                    
10508: 014ED50A:967B 024ED50A:8375 01 00000400:00000000 04:00000A2C 00000000  1000        0 175048 2 0000000058905d3f 326 0 0 1 -1                    
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   1: 0000000000000000FFFF0000014ED50A:967B 0000000000000000FFFF0000024ED50A:8372 01 000004B0:00000000 01:0000001C 00000001     0        0 175045 2 0000000058905d3f 40 0 0 1 -1
`;
const ROWS: readonly WaitingRow[] = [
  { key: '014ED50A:967B 024ED50A:8373', unacked: 25_000, unanswered: 8 },
  { key: '014ED50A:967B 024ED50A:8374', unacked: 640_000, unanswered: 3 },
  { key: '014ED50A:967B 024ED50A:8375', unacked: 1_024, unanswered: 0 },
];
const read = (table: TableName, pieces: readonly Buffer[]): WaitingRow[] => {
  const rows = new TcpTable(table);
  return pieces.flatMap((piece) => rows.push(piece));
};

test('rows in which something waits are read, however the table is cut into pieces', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(TCP.length), { maxLength: 8 }), (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), TCP.length];
      const pieces = at.slice(1).map((end, i) => Buffer.from(TCP.slice(at[i], end)));
      assert.deepEqual(read('tcp', pieces), ROWS);
    }),
  );
});

test('a table of IPv6, in which clients of IPv4 are mapped', () => {
  assert.deepEqual(read('tcp6', [Buffer.from(TCP6)]), [{ key: tcpKey(mapped), unacked: 1_200, unanswered: 1 }]);
});
const mapped = {
  ...{ localAddress: '::ffff:10.213.78.1', localPort: 0x967b },
  ...{ remoteAddress: '::ffff:10.213.78.2', remotePort: 0x8372 },
};

test('any bytes are rows or nothing, and never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(TCP.length), (odd, at) => {
      for (const row of read('tcp', [Buffer.from(TCP.slice(0, at)), Buffer.from(odd), Buffer.from('\n')]))
        assert.ok(row.unacked > 0 && row.unanswered >= 0);
    }),
  );
});

test('addresses as the kernel prints them', () => {
  const key = (localAddress: string): string =>
    tcpKey({ localAddress, localPort: 80, remoteAddress: '127.0.0.1', remotePort: 65_535 })!;
  assert.equal(key('10.213.78.1'), '014ED50A:0050 0100007F:FFFF');
  assert.equal(key('::1').slice(0, 37), '00000000000000000000000001000000:0050');
  assert.equal(key('2001:db8::8a2e:370:7334').slice(0, 37), 'B80D0120000000002E8A000034737003:0050');
  assert.equal(key('fe80::1%eth0').slice(0, 37), '000080FE000000000000000001000000:0050');
  assert.equal(key('1:2:3:4:5:6:7:8').slice(0, 37), '02000100040003000600050008000700:0050');
  assert.equal(tcpKey({}), null);
});

test(
  'a connection of this process stands in the table under its key',
  { skip: process.platform !== 'linux' },
  async (t) => {
    for (const host of ['127.0.0.1', '::']) {
      const server = createServer();
      t.after(() => server.close());
      const listens = await new Promise<boolean>((resolve) => {
        server.once('error', () => resolve(false));
        server.listen({ host, port: 0 }, () => resolve(true));
      });
      // A machine without IPv6 has no such table either.
      if (!listens) continue;
      const accepted = once(server, 'connection') as Promise<[Socket]>;
      const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
      const [socket] = await accepted;
      const table = readFileSync(host === '::' ? '/proc/net/tcp6' : '/proc/net/tcp', 'latin1');
      assert.ok(table.includes(tcpKey(socket)!), `${host}: ${tcpKey(socket)}`);
      // What its peer has no room for waits in the table.
      client.pause();
      socket.write(Buffer.alloc(16 * 1_024 * 1_024));
      await new Promise((resolve) => setTimeout(resolve, 200));
      const rows = read(host === '::' ? 'tcp6' : 'tcp', [
        readFileSync(host === '::' ? '/proc/net/tcp6' : '/proc/net/tcp'),
      ]);
      const row = rows.find(({ key }) => key === tcpKey(socket));
      assert.ok(row && row.unacked > 10_000 && row.unanswered === 0, JSON.stringify(row));
      client.destroy();
      socket.destroy();
    }
  },
);
