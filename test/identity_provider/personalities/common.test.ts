import { rm } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { oauthHeader, sign } from '../support/oauth1.js';
import { field } from '../support/provider.js';
import {
  appleSecret,
  basic,
  CALLBACK,
  CLIENT_SECRET,
  codeIn,
  form,
  HINT,
  type SocialProvider,
  startSocialProvider,
} from '../support/social.js';

let idp: SocialProvider;
beforeAll(async () => {
  idp = await startSocialProvider();
});
afterAll(() => idp.stop());
afterEach(() => idp.admin('DELETE', '/faults'));

/** Signs in at the four that have refresh tokens; tells how to refresh each. */
async function refreshables(at: SocialProvider) {
  const pkce = { code_challenge: 'a'.repeat(43), code_challenge_method: 'plain' };
  const start = { response_type: 'code', redirect_uri: CALLBACK, state: 's', login_hint: HINT };
  const code = async (path: string, values: Record<string, string>) =>
    codeIn(await at.query(path, start, values));
  const apple = { client_id: 'test.contoso.web', client_secret: await appleSecret(at) };
  const kinds = [
    {
      path: '/google/token',
      code: await code('/google/o/oauth2/v2/auth', {
        client_id: 'g.apps.test',
        scope: 'openid',
        access_type: 'offline',
        prompt: 'consent',
      }),
      client: { client_id: 'g.apps.test', client_secret: CLIENT_SECRET },
    },
    {
      path: '/x2/2/oauth2/token',
      code: await code('/x2/i/oauth2/authorize', { client_id: 'x-public', scope: 'offline.access', ...pkce }),
      client: { client_id: 'x-public', code_verifier: 'a'.repeat(43) },
    },
    {
      path: '/github/login/oauth/access_token',
      code: await code('/github/login/oauth/authorize', { client_id: 'Iv1' }),
      client: { client_id: 'Iv1', client_secret: 'other' },
    },
    {
      path: '/apple/auth/token',
      code: await code('/apple/auth/authorize', { client_id: 'test.contoso.web' }),
      client: apple,
    },
  ];
  const tokens = [];
  for (const { path, code: value, client } of kinds) {
    const grant = { grant_type: 'authorization_code', code: value, redirect_uri: CALLBACK };
    const headers = { accept: 'application/json' };
    const answer = await at.send('POST', path, { body: form(client, grant), headers });
    tokens.push({ path, client, refreshToken: field(answer, 'refresh_token') });
  }
  return tokens;
}

describe('after a restart', () => {
  it('refresh tokens work, spent ones and codes stay spent, and revocations hold', async () => {
    const first = await startSocialProvider();
    const { stateDir, url: publicUrl } = first;
    const restarted = () => startSocialProvider({ stateDir, publicUrl, now: () => first.clock.now });
    const tokens = await refreshables(first);
    const refresh = (at: SocialProvider, { path, client, refreshToken }: (typeof tokens)[number]) => {
      const values = { grant_type: 'refresh_token', refresh_token: refreshToken };
      return at.send('POST', path, { body: form(client, values), headers: { accept: 'application/json' } });
    };
    await first.close();
    const second = await restarted();
    for (const token of tokens) expect((await refresh(second, token)).body).toHaveProperty('access_token');
    await second.close();
    const third = await restarted();
    const outcomes = [];
    for (const token of tokens) outcomes.push((await refresh(third, token)).body.error ?? 'ok');
    expect(outcomes).toEqual(['ok', 'invalid_request', 'bad_refresh_token', 'ok']);
    await third.knob('revoke');
    await third.close();
    const fourth = await restarted();
    for (const token of tokens) expect((await refresh(fourth, token)).body).toHaveProperty('error');
    await fourth.close();
    await rm(stateDir, { recursive: true, force: true });
  });

  it('a signed request that was answered before is still refused', async () => {
    const first = await startSocialProvider();
    const { stateDir, url: publicUrl } = first;
    const path = '/twitter/oauth/request_token';
    const app = { key: 'tw-key', secret: CLIENT_SECRET };
    const signing = { method: 'POST', url: publicUrl + path, now: first.clock.now };
    const headers = {
      authorization: oauthHeader(sign(app, { ...signing, oauth: { oauth_callback: CALLBACK } })),
    };
    expect((await first.send('POST', path, { headers })).status).toBe(200);
    await first.close();
    const second = await startSocialProvider({ stateDir, publicUrl });
    expect((await second.send('POST', path, { headers })).status).toBe(401);
    await second.close();
    await rm(stateDir, { recursive: true, force: true });
  });
});

describe('the knobs', () => {
  it('removing an app is for known users, apps and bodies, and from this machine', async () => {
    const remove = (user: string, body: unknown) =>
      idp.admin('POST', `/social/users/${user}/remove-app`, body);
    expect((await remove('nobody', { personality: 'google', client_id: 'g.apps.test' })).status).toBe(404);
    expect((await remove(HINT, { personality: 'google', client_id: 'nobody' })).status).toBe(400);
    expect((await remove(HINT, { personality: 'entra', client_id: 'x' })).status).toBe(400);
    const foreign = await idp.send('GET', '/_admin/social', { headers: { origin: 'https://evil.test' } });
    expect(foreign.status).toBe(403);
  });

  it('tell who lets which app do what, and the token calls, without a secret', async () => {
    const tokens = await refreshables(idp);
    const known = await idp.admin('GET', '/social');
    expect(known.body.grants).toContainEqual(
      expect.objectContaining({
        personality: 'x2',
        client_id: 'x-public',
        scopes: ['offline.access'],
        live: 1,
      }),
    );
    const calls = await idp.admin('GET', '/requests');
    expect(calls.body.counters).toMatchObject({
      'google:authorization_code ok': 1,
      'x2:authorization_code ok': 1,
    });
    const told = known.text + calls.text + idp.lines.join('\n');
    for (const { refreshToken } of tokens) expect(told).not.toContain(refreshToken.slice(0, 30));
    expect(told).not.toContain(CLIENT_SECRET);
  });

  it('faults come in each provider’s shape, by path, grant and client', async () => {
    const fault = (values: object) => idp.admin('POST', '/faults', values);
    await fault({
      path: '/google/token',
      grant: 'refresh_token',
      error: 'invalid_grant',
      suberror: 'invalid_rapt',
    });
    const google = await idp.send('POST', '/google/token', { body: form({ grant_type: 'refresh_token' }) });
    expect(google.body).toMatchObject({ error: 'invalid_grant', error_subtype: 'invalid_rapt' });
    await fault({ path: '/x2/2/oauth2/token', retryAfter: 30 });
    const limited = await idp.send('POST', '/x2/2/oauth2/token');
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '30']);
    expect(limited.headers.has('x-ms-clitelem')).toBe(false);
    await fault({ path: '/twitter/oauth/request_token', status: 503, code: 130 });
    const twitter = await idp.send('POST', '/twitter/oauth/request_token');
    expect([twitter.status, twitter.body.errors]).toEqual([503, [expect.objectContaining({ code: 130 })]]);
    await fault({ client: 'x-app', status: 500 });
    const headers = { authorization: basic('x-app', 'x') };
    expect((await idp.send('POST', '/x2/2/oauth2/token', { headers })).status).toBe(500);
  });
});
