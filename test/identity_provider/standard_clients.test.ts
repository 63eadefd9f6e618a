import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALICE, BROKER, GRAPH_URI, REDIRECT, SECRET, TID } from './support/directory.js';
import { formFields, readAnswer, startTestProvider, type TestProvider } from './support/provider.js';

const INSECURE = { [oauth.allowInsecureRequests]: true };

let idp: TestProvider;
let issuer: URL;
beforeAll(async () => {
  idp = await startTestProvider({ now: Date.now });
  issuer = new URL(`${idp.url}/${TID}/v2.0`);
});
afterAll(() => idp.stop());

/** Where the browser is sent after following an authorization URL. */
async function follow(url: URL): Promise<URL> {
  const response = await fetch(url, { redirect: 'manual' });
  return new URL(response.headers.get('location') ?? '');
}

describe('oauth4webapi', () => {
  const broker: oauth.Client = { client_id: BROKER };
  const discover = async (): Promise<oauth.AuthorizationServer> =>
    oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE));

  it('signs in by code and PKCE, validates the ID token, asks userinfo, refreshes', async () => {
    const as = await discover();
    const verifier = oauth.generateRandomCodeVerifier();
    const [nonce, state] = [oauth.generateRandomNonce(), oauth.generateRandomState()];
    const url = new URL(as.authorization_endpoint ?? '');
    url.search = `${new URLSearchParams({
      client_id: BROKER,
      redirect_uri: REDIRECT,
      response_type: 'code',
      scope: 'openid profile email offline_access User.Read',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      nonce,
      state,
      max_age: '60',
      login_hint: 'alice@contoso.test',
    })}`;
    const params = oauth.validateAuthResponse(as, broker, await follow(url), state);
    const auth = oauth.ClientSecretPost(SECRET);
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      broker,
      auth,
      params,
      REDIRECT,
      verifier,
      INSECURE,
    );
    const checks = { expectedNonce: nonce, maxAge: 60, requireIdToken: true };
    const result = await oauth.processAuthorizationCodeResponse(as, broker, response, checks);
    const claims = oauth.getValidatedIdTokenClaims(result);
    expect(claims).toMatchObject({ oid: ALICE, tid: TID });
    await oauth.validateApplicationLevelSignature(as, response, INSECURE);
    const info = await oauth.userInfoRequest(as, broker, result.access_token, INSECURE);
    const user = await oauth.processUserInfoResponse(as, broker, claims?.sub ?? '', info);
    expect(user).toMatchObject({ name: 'Alice Adams', email: 'alice.adams@contoso.test' });
    const refreshed = await oauth.refreshTokenGrantRequest(
      as,
      broker,
      auth,
      result.refresh_token ?? '',
      INSECURE,
    );
    expect((await oauth.processRefreshTokenResponse(as, broker, refreshed)).refresh_token).toBeTruthy();
  });

  it('validates the hybrid form post, c_hash included', async () => {
    const as = await discover();
    const [nonce, state] = [oauth.generateRandomNonce(), oauth.generateRandomState()];
    const page = await readAnswer(
      await fetch(
        `${as.authorization_endpoint}?${new URLSearchParams({ client_id: BROKER, redirect_uri: REDIRECT, response_type: 'code id_token', response_mode: 'form_post', scope: 'openid profile', nonce, state, login_hint: 'alice@contoso.test' })}`,
      ),
    );
    const posted = new URLSearchParams(formFields(page.text));
    const params = await oauth.validateCodeIdTokenResponse(
      as,
      broker,
      posted,
      nonce,
      state,
      undefined,
      INSECURE,
    );
    const auth = oauth.ClientSecretBasic(SECRET);
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      broker,
      auth,
      params,
      REDIRECT,
      oauth.nopkce,
      INSECURE,
    );
    const result = await oauth.processAuthorizationCodeResponse(as, broker, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    expect(result.access_token).toBeTruthy();
  });

  it('reads Entra’s refusals as OAuth errors', async () => {
    const as = await discover();
    const response = await oauth.refreshTokenGrantRequest(
      as,
      broker,
      oauth.ClientSecretPost(SECRET),
      'nonsense',
      INSECURE,
    );
    await expect(oauth.processRefreshTokenResponse(as, broker, response)).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });
});

describe('openid-client', () => {
  const execute = [client.allowInsecureRequests];

  it('discovers, signs in, refreshes for another resource and takes an app token', async () => {
    const config = await client.discovery(issuer, BROKER, SECRET, undefined, { execute });
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const expectedState = client.randomState();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT,
      scope: 'openid profile offline_access api://token-broker/access_as_user',
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
      login_hint: 'alice@contoso.test',
    });
    const tokens = await client.authorizationCodeGrant(config, await follow(url), {
      pkceCodeVerifier,
      expectedState,
    });
    expect(tokens.claims()).toMatchObject({ oid: ALICE });
    const orders = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', {
      scope: 'api://orders/.default offline_access',
    });
    expect(orders.scope).toBe('api://orders/orders.read api://orders/orders.write');
    const app = await client.clientCredentialsGrant(config, { scope: `${GRAPH_URI}/.default` });
    expect(app.expiresIn()).toBeGreaterThan(3590);
    const obo = await client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:jwt-bearer', {
      assertion: tokens.access_token,
      requested_token_use: 'on_behalf_of',
      scope: 'api://orders/orders.read',
    });
    expect(obo.access_token).toBeTruthy();
  });
});
