import { describe, expect, it } from 'vitest';
import type { Facade } from '../../../shared/policy.js';
import { GRAPH } from '../support/samples.js';
import { replies, type Script } from '../support/scripted_server.js';
import { ALICE, client, server, TOKENS, withScriptedProvider } from '../support/token_client.js';

withScriptedProvider();

const READER = '55555555-5555-4555-8555-555555555555';
const IDENTITY = '66666666-6666-4666-8666-666666666666';
const facade: Facade = {
  appId: READER,
  credential: { secret: 'the secret of the facade' },
  scope: 'api://reader/access_as_user',
  resource: GRAPH,
};
const target = { resource: 'https://reader.test', scope: ['User.Read'], facade: READER };
const FIRST = { ...TOKENS, access_token: 'for the facade', refresh_token: 'rt2', id_token: 'it' };
const SECOND = {
  access_token: 'for graph',
  token_type: 'bearer',
  refresh_token: 'nobody keeps it',
  expires_in: 1800,
  scope: `${GRAPH}/User.Read`,
  id_token: 'other',
};

const isFirst = (body: string) => new URLSearchParams(body).get('grant_type') === 'refresh_token';

/** Asks through the facade; each hop is answered by its own script. */
async function ask(hops: { first?: Script; second?: Script } = {}, named: Facade = facade) {
  const { first = replies(200, FIRST), second = replies(200, SECOND) } = hops;
  const { provider } = client({}, { facades: new Map([[target.resource, named]]) });
  const issuer = `${server.origin}/${ALICE.tenant}/v2.0`;
  const document = { issuer, token_endpoint: `${server.origin}/token`, jwks_uri: `${server.origin}/keys` };
  server.answer((request, response, body) => {
    if (request.url !== '/token') replies(200, document)(request, response, body);
    else (isFirst(body) ? first : second)(request, response, body);
  });
  return provider.refresh(ALICE, 'rt1', target);
}

const forms = () => server.bodies.map((body) => Object.fromEntries(new URLSearchParams(body)));

describe('a refresh through a facade', () => {
  it('takes a token for the facade as the main registration, then acts as the facade, which asks for no refresh token', async () => {
    await ask();
    expect(forms()).toEqual([
      {
        grant_type: 'refresh_token',
        refresh_token: 'rt1',
        scope: 'api://reader/access_as_user openid profile offline_access',
        client_id: '22222222-2222-4222-8222-222222222222',
        client_secret: 'the secret of the app registration',
      },
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        requested_token_use: 'on_behalf_of',
        assertion: 'for the facade',
        scope: `${GRAPH}/User.Read`,
        client_id: READER,
        client_secret: 'the secret of the facade',
      },
    ]);
  });

  it('has successor and identity of the first hop, and token, life and scopes of the second', async () => {
    expect(await ask()).toEqual({
      ok: true,
      tokens: {
        accessToken: 'for graph',
        tokenType: 'bearer',
        expiresIn: 1800,
        scope: ['User.Read'],
        refreshToken: 'rt2',
        idToken: 'it',
      },
    });
  });

  it('says truly when the facade was given more than asked', async () => {
    const wide = { ...SECOND, scope: `${GRAPH}/User.Read ${GRAPH}/Mail.Read` };
    expect(await ask({ second: replies(200, wide) })).toMatchObject({
      tokens: { scope: ['Mail.Read', 'User.Read'] },
    });
  });

  it('proves the facade by a managed identity where policy says so', async () => {
    await ask({}, { ...facade, credential: { managedIdentity: IDENTITY } });
    expect(forms()[1]).toMatchObject({
      client_id: READER,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: `mi:${IDENTITY}:api://AzureADTokenExchange`,
    });
    expect(forms()[1]).not.toHaveProperty('client_secret');
  });

  it('refused at the first hop is a failure of the main registration, and the facade is not asked', async () => {
    const answer = await ask({ first: replies(401, { error: 'invalid_client' }) });
    expect(answer).toEqual({ ok: false, failure: { status: 401, error: 'invalid_client', codes: [] } });
    expect(server.bodies).toHaveLength(1);
  });

  it('refused at the second hop is a failure that names the facade', async () => {
    const answer = await ask({ second: replies(401, { error: 'invalid_client', error_codes: [7000222] }) });
    expect(answer).toEqual({
      ok: false,
      failure: { status: 401, error: 'invalid_client', codes: [7000222], facade: READER },
    });
  });

  it('cut at the second hop is a failure that names the facade', async () => {
    const answer = await ask({ second: (_, response) => void response.destroy() });
    expect(answer).toEqual({
      ok: false,
      failure: { status: 0, error: 'no_answer', codes: [], facade: READER },
    });
  });

  it('is refused as a fault of ours when the target names a facade that policy does not', async () => {
    await expect(ask({}, { ...facade, appId: IDENTITY })).rejects.toThrow('policy does not');
  });
});

describe('the app registration itself', () => {
  it('is proven by a managed identity where the settings name one', async () => {
    await client({}, { credential: { managedIdentity: IDENTITY } }).refresh(replies(200, TOKENS));
    expect(forms()[0]).toMatchObject({ client_assertion: `mi:${IDENTITY}:api://AzureADTokenExchange` });
    expect(forms()[0]).not.toHaveProperty('client_secret');
  });
});
