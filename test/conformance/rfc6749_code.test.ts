import { calculateJwkThumbprint, exportJWK } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { describe, expect, it } from 'vitest';
import { type Browser, createBrowser } from '../../local/demo/browser.js';
import { CALLBACK } from './stack.js';
import { claimsOf, GRAPH, ORDERS, post, press, refresh, report, stack, token } from './support.js';

const insecure = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(stack.gateway);

/** Opens an address as its user would, signing in on the way, and presses a button of the page it ends at. */
async function consent(address: URL | string, decision = 'allow', browser: Browser = createBrowser()) {
  const page = await browser.visit(String(address));
  const answer = await press(browser, page, { decision });
  return { page, answer, back: new URL(answer.location ?? 'none:') };
}

async function openidClient() {
  return openid.discovery(issuer, report.client_id, report.client_secret, undefined, {
    algorithm: 'oauth2',
    execute: [openid.allowInsecureRequests],
  });
}

/** What openid-client sends a user to, with the verifier to redeem the code. */
async function asking(config: openid.Configuration, more: Record<string, string> = {}) {
  const verifier = openid.randomPKCECodeVerifier();
  const state = openid.randomState();
  const address = openid.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    resource: ORDERS,
    scope: 'orders.read',
    state,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    login_hint: 'alice@contoso.test',
    ...more,
  });
  return { verifier, state, address };
}

describe('RFC 6749 §4.1 the whole code flow, through Easy Auth', () => {
  it('openid-client: a user who is not signed in signs in, allows, and the service has a token and a grant', async () => {
    const config = await openidClient();
    const { verifier, state, address } = await asking(config);
    const { page, back } = await consent(address);
    expect(page.text).toContain('Alice');
    const tokens = await openid.authorizationCodeGrant(config, back, {
      pkceCodeVerifier: verifier,
      expectedState: state,
    });
    expect(tokens).toMatchObject({ scope: 'orders.read', expires_in: 600, narrowing: 'minted' });
    expect(claimsOf(tokens.access_token)).toMatchObject({ client_id: report.client_id, aud: ORDERS });
    const later = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '', { resource: ORDERS });
    expect(later.scope).toBe('orders.read');
  });

  it('oauth4webapi: with PKCE, iss (RFC 9207) and a key the code is bound to (RFC 9449 §10)', async () => {
    const server = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
    );
    const client = { client_id: report.client_id };
    const pair = await oauth.generateKeyPair('ES256');
    const jkt = await calculateJwkThumbprint(await exportJWK(pair.publicKey));
    const config = await openidClient();
    const obtain = async () => {
      const { verifier, state, address } = await asking(config, { dpop_jkt: jkt });
      const { back } = await consent(address);
      return { verifier, parameters: oauth.validateAuthResponse(server, client, back, state) };
    };
    const request = async (options: Partial<oauth.TokenEndpointRequestOptions>) => {
      const { verifier, parameters } = await obtain();
      const secret = oauth.ClientSecretBasic(report.client_secret);
      return oauth.authorizationCodeGrantRequest(server, client, secret, parameters, CALLBACK, verifier, {
        ...options,
        ...insecure,
      });
    };
    const bound = await request({ DPoP: oauth.DPoP({}, pair) });
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, bound);
    expect(tokens.token_type).toBe('dpop');
    expect(claimsOf(tokens.access_token).cnf).toEqual({ jkt });
    const unproven = await request({});
    expect(((await unproven.json()) as { error: string }).error).toBe('invalid_grant');
    const stranger = await request({ DPoP: oauth.DPoP({}, await oauth.generateKeyPair('ES256')) });
    expect(((await stranger.json()) as { error: string }).error).toBe('invalid_grant');
  });

  it("for a provider's resource: the provider's own token, for as long as the user said", async () => {
    const config = await openidClient();
    const more = {
      resource: GRAPH,
      scope: 'User.Read Mail.Read',
      expires_in: '3600',
      login_hint: 'bob@contoso.test',
    };
    const { verifier, state, address } = await asking(config, more);
    const { back } = await consent(address);
    const tokens = await openid.authorizationCodeGrant(config, back, {
      pkceCodeVerifier: verifier,
      expectedState: state,
    });
    const { body } = await post('/introspect', { token: tokens.refresh_token ?? '' });
    expect(body.exp - body.iat).toBe(3600);
    expect(tokens).toMatchObject({ scope: 'Mail.Read User.Read', narrowing: 'provider' });
  });

  it('§4.1.2.1 a user who denies: access_denied, as openid-client reads it', async () => {
    const config = await openidClient();
    const { verifier, state, address } = await asking(config);
    const { back } = await consent(address, 'deny');
    const checks = { pkceCodeVerifier: verifier, expectedState: state };
    await expect(openid.authorizationCodeGrant(config, back, checks)).rejects.toMatchObject({
      error: 'access_denied',
    });
  });

  it('§4.1.2 a second showing of the code ends the grant', async () => {
    const { verifier, address } = await asking(await openidClient());
    const { back } = await consent(address);
    const form = {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      code_verifier: verifier,
      redirect_uri: CALLBACK,
    };
    const first = await token(form);
    expect(first.status).toBe(200);
    expect((await token(form)).body.error).toBe('invalid_grant');
    expect((await token(refresh(first.body.refresh_token))).body.error).toBe('invalid_grant');
  });
});

describe('RFC 9700 what an attacker tries', () => {
  it('§4.1 a redirect URI that is not registered to the letter is shown, not followed', async () => {
    const { address } = await asking(await openidClient(), { redirect_uri: `${CALLBACK}/x` });
    const response = await fetch(address, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  });

  it('§4.7 an answer that another site makes the browser send is refused', async () => {
    const { address } = await asking(await openidClient());
    const browser = createBrowser();
    const { url, text } = await browser.visit(String(address));
    const ticket = /name="ticket" value="([^"]*)"/.exec(text)?.[1] ?? '';
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: browser.cookie(url), origin: 'https://evil.test' },
      body: new URLSearchParams({ ticket, decision: 'allow' }),
    });
    // The gateway takes the session away from such a request, so it meets nobody; never a code.
    expect(response.headers.get('location') ?? '').not.toContain('code=');
  });
});
