import { rm } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDirectory } from '../../../local/identity_provider/directory/directory.js';
import { checkDirectory, DirectoryError } from '../../../local/identity_provider/directory/load.js';
import { BROKER, directory } from '../support/directory.js';
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
  social,
  socialDirectory,
  startSocialProvider,
} from '../support/social.js';

let idp: SocialProvider;
beforeAll(async () => {
  idp = await startSocialProvider();
});
afterAll(() => idp.stop());
afterEach(() => idp.admin('DELETE', '/faults'));

function problemsOf(value: unknown): readonly string[] {
  try {
    checkDirectory(value);
    return [];
  } catch (error) {
    if (error instanceof DirectoryError) return error.problems;
    throw error;
  }
}

describe('the social member of the directory file', () => {
  it('is taken when whole, and may be absent', () => {
    expect(problemsOf(socialDirectory)).toEqual([]);
    expect(problemsOf({ ...directory, social: { apps: [] } })).toEqual([]);
    expect(createDirectory(checkDirectory(directory)).file.social).toBeUndefined();
  });

  it('is refused with every problem of shape, by place and never by value', () => {
    const apps = [
      { personality: 'canary', client_id: 'a', redirect_uris: [CALLBACK] },
      { personality: 'google', client_id: 'b', secret: 7, redirect_uris: [] },
      {
        personality: 'google',
        client_id: 'c',
        secret: 's',
        redirect_uris: [CALLBACK],
        options: { canary: true },
      },
    ];
    const problems = problemsOf({
      ...directory,
      social: { users: [{ oid: 'x', handle: '-canary-' }], apps },
    });
    expect(problems).toEqual(
      expect.arrayContaining([
        expect.stringContaining('social/apps/0/personality must be equal to one of'),
        expect.stringContaining('social/apps/1/secret must be string'),
        expect.stringContaining('social/apps/1/redirect_uris must NOT have fewer than 1 items'),
        expect.stringContaining('social/apps/2/options must NOT have additional properties'),
        expect.stringContaining('social/users/0/handle must match pattern'),
      ]),
    );
    expect(problems.join().replaceAll('(canary)', '')).not.toContain('canary');
  });

  it('is refused for every problem between entries', () => {
    const uris = { redirect_uris: [CALLBACK] };
    const apps = [
      { personality: 'google', client_id: 'a', ...uris },
      { personality: 'google', client_id: 'A', secret: 's', redirect_uris: ['http://evil.test/'] },
      { personality: 'apple', client_id: 'b', secret: 's', ...uris },
      {
        personality: 'apple',
        client_id: 'c',
        team_id: 't',
        key_id: 'k',
        public_key: '-----BEGIN PUBLIC KEY-----x',
        ...uris,
      },
      { personality: 'github', client_id: BROKER, secret: 's', team_id: 't', ...uris },
      { personality: 'github', client_id: 'd', secret: 's', options: { testing: true }, ...uris },
    ];
    const [first] = directory.users;
    const users = [{ oid: 'nobody' }, { oid: first?.oid, handle: 'x' }, { oid: first?.oid, handle: 'X' }];
    expect(problemsOf({ ...directory, social: { users, apps } })).toEqual([
      'social/users/0/oid is not the oid of a user',
      'social/users/2/oid repeats social/users/1/oid',
      'social/users/2/handle repeats social/users/1/handle',
      'social/apps/1/client_id repeats social/apps/0/client_id',
      'social/apps/4/client_id is that of an Entra app',
      'social/apps/0 must have secret',
      'social/apps/1/redirect_uris/0 is plain http and not a loopback address',
      'social/apps/2 must have public_key',
      'social/apps/2 must have key_id',
      'social/apps/2 must have team_id',
      'social/apps/2/secret is not used by apple, whose apps sign theirs',
      'social/apps/3/public_key is not a public key on P-256',
      'social/apps/4/team_id is for apple only',
      'social/apps/5/options/testing is for google only',
    ]);
  });
});

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

describe('no input makes a personality fail, or sends a browser where no app is registered', () => {
  const odd = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('', '%', '\u0000', '../..', '__proto__', '|', 'a|b', 'x'.repeat(300)),
  );
  const client = fc.oneof(fc.constantFrom(...social.apps.map((app) => app.client_id)), odd);
  const redirect = fc.oneof(fc.constant(CALLBACK), fc.webUrl(), odd);
  const values = fc.record(
    {
      client_id: client,
      redirect_uri: redirect,
      oauth_token: odd,
      response_type: fc.oneof(fc.constantFrom('code', 'code id_token'), odd),
      response_mode: fc.oneof(fc.constantFrom('query', 'fragment', 'form_post'), odd),
      scope: fc.oneof(fc.constantFrom('openid', 'email', 'tweet.read offline.access'), odd),
      login_hint: fc.oneof(fc.constant(HINT), odd),
      prompt: fc.oneof(fc.constantFrom('none', 'consent'), odd),
      code_challenge: fc.oneof(fc.constant('a'.repeat(43)), odd),
      state: odd,
      access_type: odd,
    },
    { requiredKeys: [] },
  );
  const places = [
    '/google/o/oauth2/v2/auth',
    '/facebook/v3.3/dialog/oauth',
    '/twitter/oauth/authenticate',
    '/x2/i/oauth2/authorize',
    '/github/login/oauth/authorize',
    '/apple/auth/authorize',
  ];

  it('at the authorization endpoints', async () => {
    await fc.assert(
      fc.asyncProperty(values, fc.constantFrom(...places), async (query, path) => {
        const answer = await idp.query(path, query);
        expect(answer.status).toBeLessThan(500);
        const target = answer.headers.get('location');
        if (target !== null) expect(target.startsWith(CALLBACK)).toBe(true);
        const action = /<form method="post" action="([^"]*)"/.exec(answer.text)?.[1];
        if (action !== undefined)
          expect([CALLBACK, `${path.split('/', 2).join('/')}/sign_in`]).toContain(action);
      }),
      { numRuns: 300 },
    );
  });

  it.each(places)('at %s, with a redirect URI that only parses to a registered one', async (path) => {
    const clients = social.apps.filter((app) => path.startsWith(`/${app.personality}/`));
    for (const uri of [CALLBACK.replace('/login', '/\n\tlogin'), CALLBACK.replace('local', 'ｌocal')]) {
      for (const { client_id } of clients) {
        const usual = { response_type: 'code', state: 's', login_hint: HINT, code_challenge: 'a'.repeat(43) };
        const scope = path.startsWith('/google')
          ? 'openid'
          : path.startsWith('/x2')
            ? 'tweet.read'
            : undefined;
        const answer = await idp.query(path, usual, { client_id, redirect_uri: uri, scope });
        expect(answer.status).toBeLessThan(500);
        expect(answer.headers.get('location') ?? CALLBACK).toMatch(/^[!-~]+$/);
      }
    }
  });

  it('at the endpoints that programs call', async () => {
    const paths = [
      '/google/token',
      '/google/revoke',
      '/google/tokeninfo',
      '/google/v1/userinfo',
      '/google/sign_in',
      '/facebook/v3.3/oauth/access_token',
      '/facebook/v3.3/me',
      '/twitter/oauth/request_token',
      '/twitter/oauth/access_token',
      '/twitter/1.1/oauth/invalidate_token',
      '/x2/2/oauth2/token',
      '/x2/2/oauth2/revoke',
      '/x2/sign_in',
      '/github/login/oauth/access_token',
      '/github/applications/Ov23/token',
      '/apple/auth/token',
      '/apple/auth/revoke',
    ];
    const secret = fc.oneof(fc.constantFrom(CLIENT_SECRET, 'other'), odd);
    const jwt = fc
      .tuple(fc.base64String(), fc.base64String(), fc.base64String())
      .map((parts) => parts.join('.'));
    const token = fc.oneof(odd, jwt, fc.constantFrom('ya29.x', '1//0x', 'EAAsx', 'gho_x', 'ghr_x', 'r'));
    const calls = fc.record(
      {
        grant_type: fc.oneof(
          fc.constantFrom('authorization_code', 'refresh_token', 'fb_exchange_token'),
          odd,
        ),
        client_id: client,
        client_secret: fc.oneof(secret, jwt),
        code: token,
        refresh_token: token,
        token,
        access_token: token,
        id_token: jwt,
        fb_exchange_token: token,
        input_token: token,
        redirect_uri: redirect,
        transaction: token,
        oauth_consumer_key: fc.oneof(fc.constant('tw-key'), odd),
        oauth_timestamp: odd,
      },
      { requiredKeys: [] },
    );
    const schemes = fc.constantFrom('Basic', 'Bearer', 'OAuth', 'token', '');
    const header = fc.tuple(schemes, fc.base64String()).map((parts) => parts.join(' ').trim());
    await fc.assert(
      fc.asyncProperty(calls, fc.constantFrom(...paths), header, async (body, path, authorization) => {
        const answer = await idp.send('POST', path, { body: form(body), headers: { authorization } });
        expect(answer.status).toBeLessThan(500);
      }),
      { numRuns: 500 },
    );
    expect(idp.lines.join('\n')).not.toContain('unexpected failure');
  });
});
