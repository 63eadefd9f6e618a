import { describe, expect, it } from 'vitest';
import type { DirectoryFile } from '../../../local/identity_provider/directory/types.js';
import type { Broker } from '../../../shared/compose.js';
import {
  ALICE,
  AUDRA,
  BROKER,
  directory as base,
  GRAPH_URI,
  GUEST,
  OTHER_TID,
  REDIRECT,
  SECRET,
  TID,
} from '../../identity_provider/support/directory.js';
import { type Answer as IdpAnswer, location } from '../../identity_provider/support/provider.js';
import { callRoute } from '../support/broker.js';
import { refreshForm } from '../support/calls.js';
import { sessionHeaders, withEmbedded } from '../support/embedded.js';
import { ORDERS } from '../support/samples.js';

const THIRD_TID = '77777777-7777-4777-8777-777777777770';
const STRANGER = 'aaaaaaaa-0000-4000-8000-000000000005';
const REPORT = '33333333-3333-4333-8333-333333333333';
const FABRIKAM_AUDITOR = 'aaaaaaaa-0000-4000-8000-000000000006';

/** The broker's app is used from three tenants; the broker lets two of them in. */
const directory: DirectoryFile = {
  ...base,
  tenants: [...base.tenants, { tid: THIRD_TID, domain: 'strange.test', name: 'Strange' }],
  users: [
    ...base.users,
    { name: 'Stranger', upn: 'x@strange.test', oid: STRANGER, tid: THIRD_TID },
    {
      name: 'Fabrikam auditor',
      upn: 'auditor@fabrikam.test',
      oid: FABRIKAM_AUDITOR,
      tid: OTHER_TID,
      roles: { [BROKER]: ['Audit.Read'] },
    },
  ],
  apps: base.apps.map((app) =>
    app.app_id === BROKER || app.app_id === REPORT
      ? { ...app, multi_tenant: true, consents: [{ resource: GRAPH_URI, scopes: ['User.Read'] }] }
      : app,
  ),
};
const on = withEmbedded({
  directory: {
    ...directory,
    apps: directory.apps.map((app) =>
      app.app_id === REPORT ? { ...app, app_role_grants: { [BROKER]: ['Audit.Read'] }, consents: [] } : app,
    ),
  },
  issuerPath: '/organizations/v2.0',
  policy: {
    resources: {
      [ORDERS]: { narrowing: 'minted', scopes: ['orders.read'] },
      [GRAPH_URI]: { narrowing: 'provider', provider: 'aad', scopes: ['User.Read'], allowWider: true },
    },
    clients: {
      report: {
        auth: { secretSetting: 'REPORT_SECRET', entraAppId: REPORT },
        resources: { [ORDERS]: ['orders.read'], [GRAPH_URI]: ['User.Read'] },
      },
    },
  },
  env: {
    BROKER_AAD_TENANTS: `${TID}, ${OTHER_TID}`,
    BROKER_AAD_HOME_TENANT: TID,
    BROKER_AAD_CLIENT_ID: BROKER,
    BROKER_AAD_CLIENT_SECRET: SECRET,
    BROKER_AUDIENCES: `api://token-broker,${BROKER}`,
    REPORT_SECRET: 'the secret of the report',
  },
});
const REPORT_CLIENT = ['report', 'the secret of the report'] as const;

/** Signs in as Easy Auth at `organizations` does: the tenant is the user's choice. */
async function signIn(loginHint: string): Promise<IdpAnswer> {
  const scope = 'openid profile offline_access';
  const answer = await on.idp.authorize({ login_hint: loginHint, scope }, {}, 'organizations');
  const code = location(answer).get('code') ?? '';
  return on.idp.token({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT }, 'organizations');
}

async function introspected(broker: Broker, token: string) {
  const form = { token, client_id: REPORT_CLIENT[0], client_secret: REPORT_CLIENT[1] };
  const asked = {
    method: 'POST',
    url: 'http://localhost:8080/introspect',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  };
  return (await callRoute(broker, 'introspect', asked)).body;
}

async function session(loginHint: string, oid: string) {
  return sessionHeaders(oid, (await signIn(loginHint)).body);
}

function grant(headers: Readonly<Record<string, string>>, resource: string, scope: string) {
  return on.call('createGrant', {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: 'report', resource, scope }),
  });
}

async function appToken(tenant: string): Promise<string> {
  const answer = await on.idp.token(
    {
      client_id: REPORT,
      client_secret: 'report-secret',
      grant_type: 'client_credentials',
      scope: 'api://token-broker/.default',
    },
    tenant,
  );
  return String(answer.body.access_token);
}

const events = (headers: Readonly<Record<string, string>>, broker: Broker = on.broker) =>
  callRoute(broker, 'auditEvents', { headers: { ...headers }, url: 'http://localhost:8080/audit/events' });

describe('where users of several tenants sign in', () => {
  it.each([
    ['alice@contoso.test', ALICE, TID],
    ['guido@fabrikam.test', GUEST, OTHER_TID],
  ])('%s is known by object id and own tenant, and refreshed there', async (hint, oid, tid) => {
    const headers = await session(hint, oid);
    const made = await grant(headers, GRAPH_URI, 'User.Read');
    expect(made.status).toBe(201);
    on.idp.lines.length = 0;
    const answer = await on.token(refreshForm(made.body.grant_id, { resource: GRAPH_URI }), REPORT_CLIENT);
    expect(answer.status).toBe(200);
    const [, claims = ''] = String(answer.body.access_token).split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      tid,
      oid,
      iss: `${on.idp.url}/${tid}/`,
    });
  });

  it('a user of a tenant that is not listed is nobody, though the provider signed them in', async () => {
    const answer = await grant(await session('x@strange.test', STRANGER), ORDERS, 'orders.read');
    expect(answer.status).toBe(401);
  });

  it('an ID token of one tenant does not prove the user of that object id in another', async () => {
    const headers = await session('guido@fabrikam.test', GUEST);
    const answer = await grant({ ...headers, 'x-ms-client-principal-id': ALICE }, ORDERS, 'orders.read');
    expect(answer.status).toBe(401);
  });

  it('a credential of a user of another tenant is not taken over', async () => {
    const alice = await session('alice@contoso.test', ALICE);
    const guido = await session('guido@fabrikam.test', GUEST);
    const answer = await on.call('connect', {
      method: 'POST',
      headers: {
        ...alice,
        'x-ms-token-aad-refresh-token': guido['x-ms-token-aad-refresh-token'] ?? '',
        'content-type': 'application/json',
      },
      body: '{}',
    });
    expect(answer.status).toBe(422);
  });

  it('roles count from the home tenant only: others assign theirs to whom they like', async () => {
    expect((await events(await session('audra@contoso.test', AUDRA))).status).toBe(200);
    expect((await events(await session('auditor@fabrikam.test', FABRIKAM_AUDITOR))).status).toBe(403);
    const none = on.compose({ BROKER_AAD_HOME_TENANT: '' });
    expect((await events(await session('audra@contoso.test', AUDRA), none)).status).toBe(403);
  });

  it("an app's own token proves it from the home tenant only: others can give its service principal a credential", async () => {
    const bearer = async (tenant: string) => ({ authorization: `Bearer ${await appToken(tenant)}` });
    const form = refreshForm('unknown');
    const home = await bearer(TID);
    expect((await events(home)).status).toBe(200);
    expect((await on.call('listGrants', { headers: home })).status).toBe(200);
    expect((await on.token(form, home)).body.error).toBe('invalid_grant');
    const none = on.compose({ BROKER_AAD_HOME_TENANT: '' });
    expect((await events(home, none)).status).toBe(401);
    for (const tenant of [OTHER_TID, THIRD_TID]) {
      const foreign = await bearer(tenant);
      expect((await events(foreign)).status).toBe(401);
      expect((await on.call('listGrants', { headers: foreign })).status).toBe(401);
      expect((await on.token(form, foreign)).body.error).toBe('invalid_client');
      const [actor_token] = foreign.authorization.split(' ').slice(1);
      const grant_type = 'urn:ietf:params:oauth:grant-type:token-exchange';
      const type = 'urn:ietf:params:oauth:token-type:';
      const exchange = {
        ...{ grant_type, subject_token: 'unknown', subject_token_type: `${type}refresh_token` },
        ...{ actor_token, actor_token_type: `${type}access_token`, resource: ORDERS },
      };
      expect((await on.token(exchange, REPORT_CLIENT)).body.error_details).toEqual({
        class: 'actor_token_unacceptable',
      });
    }
  });

  it('a tenant taken off the list gets no more tokens, minted or cached, and back on the list all is as before', async () => {
    const headers = await session('guido@fabrikam.test', GUEST);
    const ids = [
      [ORDERS, (await grant(headers, ORDERS, 'orders.read')).body.grant_id],
      [GRAPH_URI, (await grant(headers, GRAPH_URI, 'User.Read')).body.grant_id],
    ] as const;
    const without = on.compose({ BROKER_AAD_TENANTS: TID });
    const minted = (await on.token(refreshForm(ids[0][1], { resource: ORDERS }), REPORT_CLIENT)).body;
    for (const token of [ids[0][1], minted.access_token]) {
      const isActive = async (broker: Broker) => (await introspected(broker, String(token))).active;
      expect([await isActive(on.broker), await isActive(without)]).toEqual([true, false]);
    }
    for (const [resource, id] of ids) {
      const form = refreshForm(id, { resource });
      expect((await on.token(form, REPORT_CLIENT)).status).toBe(200);
      const body = new URLSearchParams({
        ...form,
        client_id: 'report',
        client_secret: REPORT_CLIENT[1],
      } as Record<string, string>).toString();
      const asked = {
        method: 'POST',
        url: 'http://localhost:8080/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body,
      };
      const refused = await callRoute(without, 'token', asked);
      expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect((await on.token(form, REPORT_CLIENT)).status).toBe(200);
    }
  });
});
