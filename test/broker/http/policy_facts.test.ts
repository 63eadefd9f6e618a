import { describe, expect, it } from 'vitest';
import { NIGHTLY, policy, withBroker } from '../support/broker.js';
import { grantTo, postJson, refreshForm, signIn, tokenCall } from '../support/calls.js';
import { ORDERS } from '../support/samples.js';

const test = withBroker();

describe('every decision is on record with the policy it was taken under', () => {
  it('issues and refusals of tokens and grants name its hash and its revision', async () => {
    const broker = test.under({ ...policy, revision: '2026-11-23 b' });
    const audra = await signIn(test, 'audra', { roles: ['Audit.Read'] });
    const grantId = await grantTo(broker, {}, audra);
    await tokenCall(broker, refreshForm(grantId));
    await tokenCall(broker, refreshForm(grantId, { scope: 'orders.delete' }));
    const wide = { client_id: NIGHTLY.id, resource: ORDERS, scope: 'orders.delete' };
    expect((await broker.call('createGrant', postJson(audra, wide))).status).toBe(400);
    const { body } = await test.call('auditEvents', {
      headers: audra.headers,
      url: 'http://localhost:8080/audit/events',
    });
    const rows: { type: string; policy_hash?: string; policy_revision?: string }[] = body.events;
    const decisions = rows.filter(({ policy_hash }) => policy_hash !== undefined);
    expect(decisions.map(({ type }) => type).sort()).toEqual([
      'grant.created',
      'grant.refused',
      'token.issued',
      'token.refused',
    ]);
    expect(new Set(decisions.map(({ policy_hash }) => policy_hash)).size).toBe(1);
    expect(decisions[0]?.policy_hash).toMatch(/^[\w-]{43}$/);
    for (const row of decisions) expect(row.policy_revision).toBe('2026-11-23 b');
  });

  it('another document is another hash, one without a revision has none', async () => {
    const grantId = await grantTo(test);
    await tokenCall(test, refreshForm(grantId));
    test.time.now += 1;
    await tokenCall(test.under({ ...policy, revision: 'x' }), refreshForm(grantId));
    const rows = (await test.audited('token.issued')).filter((row) => row.grantId === grantId);
    expect(rows.map(({ policyRevision }) => policyRevision)).toEqual([undefined, 'x']);
    expect(new Set(rows.map(({ policyHash }) => policyHash)).size).toBe(2);
  });
});
