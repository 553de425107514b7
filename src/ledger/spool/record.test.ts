import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HEADER_BYTES, RecordType, callIdOf, findRecord, readRecord, recordSpace, writeRecord } from './record.ts';

const types = fc.constantFrom(...Object.values(RecordType));
const records = fc.array(
  fc.tuple(
    types,
    fc.string({ unit: 'binary' }).map((text) => JSON.stringify([text])),
  ),
  {
    minLength: 1,
    maxLength: 8,
  },
);
type Written = (readonly [number, string])[];

function fileOf(list: readonly (readonly [(typeof RecordType)['segment'] | number, string])[]): Buffer {
  const parts = list.map(([type, text]) => {
    const buffer = Buffer.alloc(recordSpace(text));
    return buffer.subarray(0, writeRecord(buffer, 0, type as 1, text));
  });
  return Buffer.concat(parts);
}

/** Reads as the spool does: whole records in order, past damage where a whole record follows it. */
function readAll(file: Buffer): Written {
  const found: Written = [];
  for (let at: number | null = 0; at !== null && at < file.length;) {
    const result = readRecord(file, at, file.length);
    if (result.kind === 'record') found.push([result.record.type, result.record.payload.toString('utf8')]);
    at = result.kind === 'record' ? result.next : findRecord(file, at + 1, file.length);
  }
  return found;
}

test('records come back as they were written', () => {
  fc.assert(fc.property(records, (list) => assert.deepEqual(readAll(fileOf(list)), list)));
});

test('any cut of a file gives the first records', () => {
  fc.assert(
    fc.property(records, fc.nat(), (list, where) => {
      const file = fileOf(list);
      const cut = readAll(file.subarray(0, where % (file.length + 1)));
      assert.deepEqual(cut, list.slice(0, cut.length));
    }),
  );
});

test('damage never makes a record that was not written', () => {
  const hits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(records, hits, (list, damage) => {
      const file = fileOf(list);
      for (const [where, bits] of damage) file[where % file.length]! ^= bits;
      const left = list.map((record) => JSON.stringify(record));
      for (const record of readAll(file)) {
        const index = left.indexOf(JSON.stringify(record));
        assert.ok(index >= 0, 'only what was written, in order');
        left.splice(0, index + 1);
      }
    }),
    { numRuns: 500 },
  );
});

test('one bad record costs itself alone', () => {
  const list = ['one', 'two', 'three'].map((text) => [RecordType.attempt, JSON.stringify([text])] as const);
  const file = fileOf(list);
  file[file.indexOf('two')]! ^= 1;
  assert.deepEqual(readAll(file), [list[0], list[2]]);
});

test('a payload cannot pass for a record', () => {
  const inner = fileOf([[RecordType.settlement, '["forged"]']]);
  const text = JSON.stringify([inner.toString('latin1')]);
  const file = fileOf([[RecordType.admission, text]]);
  file[HEADER_BYTES]! ^= 1;
  assert.deepEqual(readAll(file), []);
});

test('the id is read without parsing', () => {
  const [, text] = [1, JSON.stringify(['call_01JABC', 2, 3])];
  assert.equal(callIdOf(Buffer.from(text)), 'call_01JABC');
});
