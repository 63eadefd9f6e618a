import { describe, expect, it } from 'vitest';
import type { HttpAnswer, HttpRequest } from '../../../shared/adapters/http_client.js';
import { createSessionClient } from '../../../shared/adapters/provider/session.js';
import { readSession, sessionCookies, writeCredential } from '../../../shared/domain/session_credential.js';
import { openIdRules } from '../../../shared/providers/openid.js';
import { NOW } from '../support/samples.js';

const HOUR = 3_600_000;
const rules = openIdRules({ name: 'contoso', rotation: 'single-use' });
const anybody = { provider: 'contoso', tenant: 't', id: 'i' };
const entry = { provider_name: 'Contoso', access_token: 'at', id_token: 'id', expires_on: iso(NOW + HOUR) };

function iso(at: number): string {
  return new Date(at).toISOString().replace('Z', '0000Z');
}

/** The client against an Easy Auth that answers these two calls. */
function against(refresh: Partial<HttpAnswer>, me: unknown = [entry]) {
  const asked: HttpRequest[] = [];
  const client = createSessionClient({
    provider: { name: 'contoso', signInScopes: ['openid', 'b', 'a', 'offline_access'] },
    origin: 'https://site.test',
    sessionMaxSeconds: 8 * 3600,
    sessionGraceSeconds: 72 * 3600,
    clock: () => NOW,
    http: async (request) => {
      asked.push(request);
      const told = { status: 200, headers: {}, body: typeof me === 'string' ? me : JSON.stringify(me) };
      return request.url.endsWith('/.auth/me') ? told : { status: 200, headers: {}, body: '', ...refresh };
    },
  });
  const use = async (session: Parameters<typeof writeCredential>[0]) => {
    const answer = await client.refresh(writeCredential(session), { scope: [] }, anybody);
    if (answer.ok) return { tokens: answer.tokens, next: readSession(answer.tokens.refreshToken ?? '') };
    return { verdict: `${rules.classify(answer.failure, undefined).class}: ${answer.failure.error}` };
  };
  return { use, asked };
}

const cookie = {
  carrier: 'cookie',
  value: 'AppServiceAuthSession=2old; AppServiceAuthSession1=old',
} as const;
const token = { carrier: 'token', value: 'the.session.token' } as const;

describe('a session renewed through Easy Auth', () => {
  it('by cookie: what is set replaces what was there, a part taken back is gone, other cookies are left out', async () => {
    const setCookies = [
      'AppServiceAuthSession=1new; expires=Mon, 23 Nov 2026 20:00:00 GMT; path=/; HttpOnly',
      'AppServiceAuthSession1=deleted; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/',
      'ARRAffinity=x; path=/',
    ];
    const { use, asked } = against({ setCookies });
    const { tokens, next } = await use(cookie);
    expect(next).toEqual({ carrier: 'cookie', value: 'AppServiceAuthSession=1new' });
    expect(tokens?.credentialEndsAt).toBe(Date.UTC(2026, 10, 23, 20) + 72 * HOUR);
    expect(asked.map(({ url, headers }) => [url, headers?.cookie])).toEqual([
      ['https://site.test/.auth/refresh', cookie.value],
      ['https://site.test/.auth/me', 'AppServiceAuthSession=1new'],
    ]);
  });

  it('by session token: the one in the body takes over, with the end it says', async () => {
    const payload = Buffer.from(JSON.stringify({ exp: NOW / 1000 + 3600 })).toString('base64url');
    const { use, asked } = against({ body: JSON.stringify({ authenticationToken: `h.${payload}.s` }) });
    const { tokens, next } = await use(token);
    expect(next).toEqual({ carrier: 'token', value: `h.${payload}.s` });
    expect(tokens?.credentialEndsAt).toBe(NOW + 73 * HOUR);
    expect(asked.map(({ headers }) => headers?.['x-zumo-auth'])).toEqual([token.value, `h.${payload}.s`]);
  });

  it('stays the one it was where Easy Auth gives no other', async () => {
    for (const session of [cookie, token]) {
      const { next, tokens } = await against({}).use(session);
      expect(next).toEqual(session);
      expect(tokens?.credentialEndsAt).toBe(NOW + 80 * HOUR);
    }
  });

  it('brings the token of its provider with the scopes of the sign-in', async () => {
    const other = { provider_name: 'aad', access_token: 'not this' };
    const { tokens } = await against({}, [other, entry]).use(token);
    expect(tokens).toMatchObject({ accessToken: 'at', idToken: 'id', scope: ['a', 'b'], expiresIn: 3600 });
  });

  it('is looked at again half-way to its end, however long the access token lives', async () => {
    const { tokens } = await against({}, [{ ...entry, expires_on: iso(NOW + 1000 * HOUR) }]).use(token);
    expect(tokens?.expiresIn).toBe(40 * 3600);
  });

  it.each([
    [401, 'user_action_required: easy_auth_session_ended'],
    [403, 'user_action_required: easy_auth_refresh_refused'],
    [400, 'broker_misconfigured: easy_auth_cannot_refresh'],
    [404, 'broker_misconfigured: easy_auth_store_off'],
    [502, 'transient: easy_auth_trouble'],
    [500, 'transient: easy_auth_trouble'],
  ])('refused with %i: %s, and nothing else is asked', async (status, verdict) => {
    const { use, asked } = against({ status });
    expect(await use(token)).toEqual({ verdict });
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['nothing in the store', []],
    ['an empty body', ''],
    ['no access token', [{ provider_name: 'contoso' }]],
    ['an entry of another provider', [{ ...entry, provider_name: 'aad' }]],
    ['a page', '<html>'],
  ])('with %s: the user has to sign in again', async (_, me) => {
    expect(await against({}, me).use(token)).toEqual({ verdict: 'user_action_required: easy_auth_no_token' });
  });

  it('that is too large to keep is not kept', async () => {
    const authenticationToken = 'x'.repeat(30_000);
    const body = JSON.stringify({ authenticationToken });
    expect(await against({ body }).use(token)).toEqual({ verdict: 'transient: token_too_large' });
  });
});

describe('the cookies of a session', () => {
  it('are its own parts alone', () => {
    const header =
      'a=1; AppServiceAuthSession=2x; xAppServiceAuthSession=3; AppServiceAuthSession1=y; Nonce=z';
    expect(sessionCookies(header)).toBe('AppServiceAuthSession=2x; AppServiceAuthSession1=y');
    expect(sessionCookies('a=1; AppServiceAuthSessions=1')).toBeUndefined();
    expect(sessionCookies('')).toBeUndefined();
  });
});
