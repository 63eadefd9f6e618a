import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App, DirectoryFile } from '../../../local/identity_provider/directory/types.js';
import {
  ALICE,
  BROKER,
  directory as base,
  GRAPH_URI,
  IDENTITY,
  SECRET,
  TID,
} from '../../identity_provider/support/directory.js';
import { refreshForm } from '../support/calls.js';
import { sessionHeaders, withEmbedded } from '../support/embedded.js';

const READER = '55555555-0000-4555-8555-555555555501';
const KEYLESS = '55555555-0000-4555-8555-555555555502';
const profile = 'https://graph.microsoft.test/profile';
const keyless = 'https://graph.microsoft.test/keyless';

/** A facade: its own consent at Graph is `User.Read` alone, and the broker needs no consent to call it. */
const facade = (appId: string, name: string, more: Partial<App>): App => ({
  app_id: appId,
  name,
  tid: TID,
  secrets: [],
  redirect_uris: [],
  app_id_uri: `api://${name}`,
  scopes: ['access_as_user'],
  pre_authorized: [BROKER],
  consents: [{ resource: GRAPH_URI, scopes: ['User.Read'] }],
  ...more,
});
const directory: DirectoryFile = {
  ...base,
  apps: [
    ...base.apps.map((app) =>
      app.app_id === BROKER
        ? { ...app, consents: [{ resource: GRAPH_URI, scopes: ['User.Read', 'Mail.Read'] }] }
        : app,
    ),
    facade(READER, 'reader', { secrets: ['secret of the reader'] }),
    facade(KEYLESS, 'keyless', { federated_credentials: [{ managed_identity: IDENTITY }] }),
  ],
};
const through = (appId: string, name: string, credential: object) => ({
  narrowing: 'facade',
  provider: 'aad',
  scopes: ['User.Read'],
  facade: { appId, scope: `api://${name}/access_as_user`, resource: GRAPH_URI, ...credential },
});
const on = withEmbedded({
  directory,
  issuerPath: `/${TID}/v2.0`,
  policy: {
    resources: {
      [GRAPH_URI]: { narrowing: 'provider', provider: 'aad', scopes: ['User.Read', 'Mail.Read'] },
      [profile]: through(READER, 'reader', { secretSetting: 'READER_SECRET' }),
      [keyless]: through(KEYLESS, 'keyless', { managedIdentity: IDENTITY }),
    },
    clients: {
      report: {
        auth: { secretSetting: 'REPORT_SECRET' },
        resources: {
          [GRAPH_URI]: ['User.Read', 'Mail.Read'],
          [profile]: ['User.Read'],
          [keyless]: ['User.Read'],
        },
      },
    },
  },
  env: {
    BROKER_AAD_CLIENT_ID: BROKER,
    BROKER_AAD_CLIENT_SECRET: SECRET,
    REPORT_SECRET: 'the secret of the report',
    READER_SECRET: 'secret of the reader',
  },
});
const REPORT_CLIENT = ['report', 'the secret of the report'] as const;

async function tokenFor(resource: string, scope: string) {
  const { body } = await on.idp.signIn('openid profile offline_access');
  const made = await on.call('createGrant', {
    method: 'POST',
    headers: { ...sessionHeaders(ALICE, body), 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: 'report', resource, scope }),
  });
  expect(made.status).toBe(201);
  return on.token(refreshForm(made.body.grant_id, { resource }), REPORT_CLIENT);
}

function scpOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).scp;
}

describe('a facade at an Entra that narrows nothing', () => {
  it('without one, the token holds all that was consented, and is refused', async () => {
    const answer = await tokenFor(GRAPH_URI, 'User.Read');
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
  });

  it('gives a token that holds exactly what the facade was consented to', async () => {
    const answer = await tokenFor(profile, 'User.Read');
    expect(answer).toMatchObject({ status: 200, body: { scope: 'User.Read', narrowing: 'provider' } });
    expect(scpOf(answer.body.access_token)).toBe('User.Read');
  });
});

describe('a facade without a secret', () => {
  beforeAll(() => {
    process.env.IDENTITY_ENDPOINT = `${on.idp.url}/msi/token`;
    process.env.IDENTITY_HEADER = on.idp.identityHeader;
  });
  afterAll(() => {
    delete process.env.IDENTITY_ENDPOINT;
    delete process.env.IDENTITY_HEADER;
  });

  it("is proven by the managed identity's token", async () => {
    const answer = await tokenFor(keyless, 'User.Read');
    expect(answer).toMatchObject({ status: 200, body: { scope: 'User.Read', narrowing: 'provider' } });
    expect(scpOf(answer.body.access_token)).toBe('User.Read');
  });
});
