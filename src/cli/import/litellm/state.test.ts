import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Findings, type WantedState } from '../plan.ts';
import { applyState } from '../state-apply.ts';
import { openStoreAdmin } from '../store-admin.ts';
import { readLitellmState } from './state.ts';
import type { LitellmData, Row } from './tables.ts';

const NOW = Date.parse('2026-11-24T10:00:00Z');
const DAY = 86_400_000;
const sha = (n: number): string => n.toString(16).padStart(64, '0');

const data = (rows: Partial<LitellmData['rows']>): LitellmData => ({
  name: 'test',
  counts: {},
  rows: {
    LiteLLM_OrganizationTable: [],
    LiteLLM_BudgetTable: [],
    LiteLLM_TeamTable: [],
    LiteLLM_UserTable: [],
    LiteLLM_VerificationToken: [],
    ...rows,
  },
});
function read(rows: Partial<LitellmData['rows']>): { readonly state: WantedState; readonly findings: Findings } {
  const findings = new Findings();
  const options = {
    now: NOW,
    timeZone: 'UTC',
    unknownPriceUsd: null,
    findings,
    tenant: 'main',
    accessGroups: new Map(),
  };
  return { state: readLitellmState(data(rows), options), findings };
}
const budgetOf = (fields: Row) =>
  read({ LiteLLM_VerificationToken: [{ token: sha(1), key_alias: 'k', ...fields }] }).state.budgets[0];

describe('rows of LiteLLM', () => {
  test('windows reset as LiteLLM resets them', () => {
    const window = (duration: string | null): string | undefined =>
      budgetOf({ max_budget: 1, budget_duration: duration })?.window;
    assert.deepEqual([null, '1d', '24h', '7d', '1w', '30d', '1mo'].map(window), [
      'total',
      'day',
      'day',
      'week',
      'week',
      'month',
      'month',
    ]);
    assert.deepEqual(['12h', '14d', '2w', '10s', '400d', 'whenever'].map(window), [
      '43200s',
      '1209600s',
      '1209600s',
      '60s',
      'total',
      'day',
    ]);
    assert.equal(window(null), 'total');
    assert.equal(budgetOf({ max_budget: null, spend: 3 }), undefined, 'no limit, no budget');
  });

  test('the opening balance leaves when LiteLLM would have reset it', () => {
    const at = (duration: string | null, reset: number | null): string | undefined =>
      budgetOf({
        max_budget: 10,
        spend: 2,
        budget_duration: duration,
        budget_reset_at: reset === null ? null : new Date(reset),
      })?.opening?.at;
    assert.equal(at('3d', NOW + DAY), new Date(NOW - 2 * DAY).toISOString());
    assert.equal(at('3d', NOW + 9 * DAY), new Date(NOW).toISOString(), 'never in the future');
    assert.equal(at('30d', NOW + DAY), new Date(NOW).toISOString());
    assert.equal(at('30d', NOW - 1), undefined, 'a window that is over');
    assert.equal(at(null, NOW - 1), new Date(NOW).toISOString(), 'without a window nothing ends');
  });

  test('names that collide get numbers, and a key of a team that is gone belongs to its tenant', () => {
    const { state, findings } = read({
      LiteLLM_OrganizationTable: [
        { organization_id: 'o1', organization_alias: 'Acme' },
        { organization_id: 'o2', organization_alias: 'ACME!' },
      ],
      LiteLLM_TeamTable: [
        { team_id: 't1', team_alias: 'Growth', organization_id: 'o1' },
        { team_id: 't2', team_alias: 'growth', organization_id: 'o1' },
        { team_id: 't3', team_alias: 'growth', organization_id: 'o2' },
      ],
      LiteLLM_VerificationToken: [
        { token: sha(1), key_alias: 'k', team_id: 't2' },
        { token: sha(2), key_alias: 'k', team_id: 'gone', organization_id: 'o2' },
      ],
    });
    assert.deepEqual(
      state.teams.map(({ id }) => id),
      ['acme.growth', 'acme.growth-2', 'acme-2.growth'],
    );
    assert.deepEqual(
      state.keys.map(({ tenant, team, name }) => [tenant, team, name]),
      [
        ['acme', 'acme.growth-2', 'k'],
        ['acme-2', null, 'k-2'],
      ],
    );
    assert.ok(findings.all.some(({ what }) => what === 'team_id: gone'));
  });

  test('property: whatever the rows say, the admin API takes all of what is wanted, and every key is taken or listed', async () => {
    const text = fc.oneof(
      fc.constantFrom('a', 'Growth & Sales', '', '__proto__', '…', 'x'.repeat(200)),
      fc.string({ maxLength: 40 }),
    );
    const money = fc.oneof(
      fc.constant(null),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.constantFrom(0, 1e-12, 12.345678901234),
    );
    const time = fc.option(
      fc.date({ min: new Date(NOW - 40 * DAY), max: new Date(NOW + 400 * DAY), noInvalidDate: true }),
    );
    const limits = {
      max_budget: money,
      soft_budget: money,
      spend: money,
      budget_duration: fc.constantFrom(null, '1d', '30d', '12h', '90s', '5s', '900d', '', 'odd'),
      budget_reset_at: time,
    };
    const models = fc.array(
      fc.constantFrom('gpt-5', 'gpt-*', 'all-team-models', 'all-proxy-models', 'no-default-models', 'claude'),
      { maxLength: 3 },
    );
    const org = fc.constantFrom('o1', 'o2', 'o3', null);
    const rows = fc.record({
      LiteLLM_OrganizationTable: fc.tuple(text, text).map((names) =>
        names.map((name, i) => ({
          organization_id: `o${i + 1}`,
          organization_alias: name,
          budget_id: 'b1',
          spend: 1,
        })),
      ),
      LiteLLM_BudgetTable: fc.record(limits).map((row) => [{ budget_id: 'b1', ...row }]),
      LiteLLM_TeamTable: fc
        .array(fc.record({ team_alias: text, organization_id: org, models, ...limits }), { maxLength: 4 })
        .map((all) => all.map((row, i) => ({ team_id: `t${i}`, ...row }))),
      LiteLLM_VerificationToken: fc
        .array(
          fc.record({
            key_alias: fc.option(text),
            team_id: fc.constantFrom('t0', 't1', 't9', null),
            organization_id: org,
            models,
            expires: time,
            blocked: fc.constantFrom(null, true, false),
            user_id: text,
            budget_id: fc.constantFrom('b1', null),
            ...limits,
          }),
          { maxLength: 6 },
        )
        .map((all) =>
          all.map((row, i) => ({ token: i % 3 === 2 ? `raw-key-of-an-earlier-time-${i}` : sha(i + 1), ...row })),
        ),
    });
    await fc.assert(
      fc.asyncProperty(rows, async (given) => {
        const { state, findings } = read(given as never);
        const listed = findings.all.filter(({ what }) => what === 'key' || what === 'models').length;
        assert.equal(state.keys.length + listed, given.LiteLLM_VerificationToken.length);
        const folder = mkdtempSync(join(tmpdir(), 'headgate-state-'));
        const admin = await openStoreAdmin(folder);
        try {
          const { made, taken } = await applyState(admin, { create: state, keys: [] }, () => undefined);
          assert.equal(made, state.tenants.length + state.teams.length + state.keys.length + state.budgets.length);
          assert.deepEqual(taken, []);
        } finally {
          await admin.close();
          rmSync(folder, { recursive: true, force: true });
        }
      }),
      { numRuns: 60 },
    );
  });
});
