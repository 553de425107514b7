import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alertLines, ofAlert } from './alert-findings.ts';

test('an alert that fires is a finding, one a rule; what pends and what is for information is none', () => {
  const rule = (name: string, severity: string, state: string, texts: readonly string[], leftOut = 0) =>
    ({
      ...{ rule: name, severity, state, leftOut, summary: null, runbook: 'https://runbooks.example/x' },
      alerts: texts.map((text, i) => ({ phase: state, text, since: `2026-11-25T02:4${5 - i}:00.000Z` })),
    }) as never;
  const lines = alertLines([
    rule('errors', 'critical', 'firing', ['model m: 6 of 6 calls failed', 'model n: …'], 3),
    rule('lag', 'warning', 'firing', ['the store is 2 m behind']),
    rule('note', 'info', 'firing', ['x']),
    rule('soon', 'critical', 'pending', ['x']),
  ]);
  const findings = lines.map(ofAlert);
  assert.deepEqual(
    findings.map(({ grade, text }) => `${grade} ${text}`),
    ['bad Alert errors: model m: 6 of 6 calls failed, and 4 more.', 'warn Alert lag: the store is 2 m behind.'],
  );
  assert.deepEqual(findings[0]!.evidence, [
    'it holds since 2026-11-25T02:44:00.000Z',
    'runbook: https://runbooks.example/x',
  ]);
});
