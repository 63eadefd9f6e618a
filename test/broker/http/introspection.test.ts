import { beforeAll, describe, expect, it } from 'vitest';
import { NIGHTLY, policy, type TestBroker, withBroker } from '../support/broker.js';
import { basic, FORM, formText, grantTo, refreshForm, signIn, tokenCall } from '../support/calls.js';
import { TENANT } from '../support/issuer.js';
import { ORDERS, someone } from '../support/samples.js';

const test = withBroker();
let grantId = '';
let token = '';
beforeAll(async () => {
  grantId = await grantTo(test, {}, await signIn(test, someone('alice').id));
  token = String((await tokenCall(test, refreshForm(grantId))).body.access_token);
});

async function introspected(on: TestBroker, text: string) {
  const headers = { ...FORM, ...basic(NIGHTLY.id, NIGHTLY.secret) };
  return (await on.call('introspect', { method: 'POST', headers, body: formText({ token: text }) })).body;
}

/** The broker as it is once policy says this of nightly-report. */
function withClient(more: object): TestBroker {
  const client = { ...policy.clients[NIGHTLY.id], ...more };
  return test.under({ ...policy, clients: { ...policy.clients, [NIGHTLY.id]: client } });
}

/** The broker as it is once the resource has these scopes only. */
function withScopes(scopes: readonly string[]): TestBroker {
  const resource = { ...policy.resources[ORDERS], scopes };
  const clients = { [NIGHTLY.id]: { ...policy.clients[NIGHTLY.id], resources: { [ORDERS]: scopes } } };
  return test.under({ resources: { [ORDERS]: resource }, clients });
}

const GRAPH_ONLY = { resources: { 'https://graph.microsoft.test': ['Mail.Read'] } };

describe('RFC 7662: good is what could be issued today', () => {
  it('under the policy it was issued by a token is active, with all its scope', async () => {
    expect(await introspected(test, token)).toMatchObject({
      active: true,
      scope: 'orders.read orders.write',
    });
  });

  it.each<[string, () => TestBroker]>([
    ['the client has the resource no more', () => withClient(GRAPH_ONLY)],
    ['the client may act for other tenants only', () => withClient({ subjects: { tenants: ['other'] } })],
  ])('a token and its grant are inactive once %s', async (_, under) => {
    const on = under();
    expect(await introspected(on, token)).toEqual({ active: false });
    expect(await introspected(on, grantId)).toEqual({ active: false });
  });

  it('once policy names part of its scope no more a token is inactive as a whole; the grant holds the rest', async () => {
    for (const on of [
      withClient({ resources: { [ORDERS]: ['orders.read'] } }),
      withScopes(['orders.read']),
    ]) {
      expect(await introspected(on, token)).toEqual({ active: false });
      expect(await introspected(on, grantId)).toMatchObject({ active: true, scope: 'orders.read' });
      const less = await tokenCall(on, refreshForm(grantId));
      expect(await introspected(on, String(less.body.access_token))).toMatchObject({
        active: true,
        scope: 'orders.read',
      });
    }
  });

  it('groups are asked for when a token is issued, not when it is shown: a rule that came later ends with its life', async () => {
    const on = withClient({ subjects: { tenants: [TENANT], groups: ['6666'] } });
    expect(await introspected(on, token)).toMatchObject({ active: true });
  });
});
