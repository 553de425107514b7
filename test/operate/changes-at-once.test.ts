import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

describe('changes of one row at the same time', () => {
  let gate: GateProcess;
  before(async () => {
    gate = await startGate({ config: 'features: { search: {} }' });
    await gate.admin('POST', '/tenants', { id: 'acme' });
  });
  after(async () => {
    await gate?.stop();
  });

  test('a revoked key stays revoked, whatever else is changed in that instant', async () => {
    for (let i = 0; i < 5; i++) {
      const { id } = await gate.admin('POST', '/keys', { tenant: 'acme', name: 'k' });
      const others = Array.from({ length: 8 }, (_, n) => gate.admin('PATCH', `/keys/${id}`, { owner: `owner ${n}` }));
      const rotating = Array.from({ length: 4 }, () =>
        gate
          .admin('POST', `/keys/${id}/rotate`, {})
          .catch((error: Error) => assert.match(error.message, / 409 .*revoked/)),
      );
      await Promise.all([...others.slice(0, 4), gate.admin('POST', `/keys/${id}/revoke`, {}), ...rotating, ...others]);
      assert.notEqual((await gate.admin('GET', `/keys/${id}`)).revokedAt, null);
    }
  });

  test('two changes of different fields are both kept', async () => {
    for (let i = 0; i < 5; i++) {
      await Promise.all([
        gate.admin('PATCH', '/tenants/acme', { name: `Acme ${i}` }),
        gate.admin('PATCH', '/tenants/acme', { costExpose: i % 2 === 0 ? 'cost' : 'none' }),
      ]);
      const { name, costExpose } = await gate.admin('GET', '/tenants/acme');
      assert.deepEqual([name, costExpose], [`Acme ${i}`, i % 2 === 0 ? 'cost' : 'none']);
    }
  });

  test('of two that make the same name one does', async () => {
    const made = await Promise.allSettled([1, 2, 3].map(() => gate.admin('POST', '/tenants', { id: 'twice' })));
    assert.deepEqual(made.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected', 'rejected']);
  });
});
