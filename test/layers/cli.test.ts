import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { commandLine, declare, startWorld, type DeclaredWorld } from '../declared/declared-world.ts';

const DECLARED = `
tenants: { acme: { plan: gold, teams: { core: {} } } }
layers:
  gold:
    level: plan
    id: gold
    template: { text: "You serve {{company}}.", variables: { company: {} } }
    parameters: { maxOutputTokens: { max: 500 } }
    locks: [aliases]
`;

describe('layers on the command line, and in the file', () => {
  let world: DeclaredWorld;
  before(async () => {
    world = await startWorld(DECLARED);
    writeFileSync(join(world.folder, 'v1.txt'), 'Be brief.\nBe kind.\n');
    writeFileSync(join(world.folder, 'v2.txt'), 'Be brief.\nBe very kind.\n');
    writeFileSync(join(world.folder, 'rest.yaml'), 'values: { company: Acme }\naliases: { fast: m }\n');
  });
  after(async () => {
    await world?.gate.stop();
    await world?.provider.close();
  });
  const headgate = (...args: string[]) => commandLine(join(world.folder, 'state'), args);
  const file = (name: string): string => join(world.folder, name);

  test('a layer is set, changed, shown and compared, and explain says who set what', async () => {
    const unset = await headgate('tenants', 'explain', 'acme');
    assert.match(unset.stdout, /every call is refused: The template of the plan layer lacks a text for `company`/);
    const set = ['layers', 'set', '--tenant', 'acme', '--template'];
    assert.equal(
      (await headgate(...set, file('v1.txt'), '--from', file('rest.yaml'))).stdout,
      'created layer tenant:acme@1\n',
    );
    assert.equal((await headgate(...set, file('v2.txt'))).stdout, 'changed layer tenant:acme@2\n');
    assert.match((await headgate(...set, file('v2.txt'))).stdout, /^nothing to change in layer tenant:acme@2/);
    const diff = await headgate('layers', 'diff', 'tenant:acme');
    assert.match(diff.stdout, /^tenant:acme: version 1 by admin, .* → version 2 by admin, /);
    assert.match(diff.stdout, /\n {2}Be brief\.\n- Be kind\.\n\+ Be very kind\.\n$/);
    const explained = (await headgate('tenants', 'explain', 'acme', 'search')).stdout;
    assert.match(explained, /^tenant acme, plan gold, feature search\nlayers, .*: plan:gold@1 → tenant:acme@2\n/);
    for (const line of [
      /^template 1 \(after\) +You serve Acme\. +plan:gold@1$/m,
      /^variable company +in place +tenant:acme@2$/m,
      /^template 2 \(after\) +Be brief\. ⏎ Be very kind\. +tenant:acme@2$/m,
      /^max maxOutputTokens +500 +plan:gold@1$/m,
      /^aliases +closed by plan:gold@1 +tenant:acme@2$/m,
    ])
      assert.match(explained, line);
    assert.match((await headgate('layers', 'list')).stdout, /^plan:gold +1 .* file: gold /m);
    assert.match((await headgate('tenants', 'list')).stdout, /^acme .* gold$/m);
  });

  test('what the file declares is changed there, and without a declaration the layer goes', async () => {
    const refused = await headgate('layers', 'set', '--level', 'plan', '--id', 'gold', '--template', file('v1.txt'));
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /^error declared_in_file: .*under `layers\.gold`/);
    await declare(world, DECLARED.replace('500', '600'));
    const { version, author } = await world.gate.admin('GET', '/layers/plan%3Agold');
    assert.equal(version, 2);
    assert.match(author, /^configuration:[0-9a-f]{16}$/);
    const wrong = await declare(world, DECLARED.replace('{{company}}', '{{nobody}}'));
    assert.match(wrong, /layers\.gold\.template\.text.*names `nobody`, which `variables` does not declare/);
    await declare(world, DECLARED.slice(0, DECLARED.indexOf('layers:')));
    await assert.rejects(world.gate.admin('GET', '/layers/plan%3Agold'), /There is no layer/);
    const bare = (await headgate('tenants', 'explain', 'acme')).stdout;
    assert.match(bare, /layers, .*: tenant:acme@2\n/);
  });

  test('layers live through a restart, and are read while no gate runs', async () => {
    await world.gate.stop();
    const listed = await headgate('layers', 'list');
    assert.match(listed.stderr, /no gate is running/);
    assert.match(listed.stdout, /^tenant:acme +2 /m);
  });
});
