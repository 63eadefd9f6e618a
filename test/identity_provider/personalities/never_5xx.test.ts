import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CALLBACK,
  CLIENT_SECRET,
  form,
  HINT,
  type SocialProvider,
  social,
  startSocialProvider,
} from '../support/social.js';

let idp: SocialProvider;
beforeAll(async () => {
  idp = await startSocialProvider();
});
afterAll(() => idp.stop());

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
