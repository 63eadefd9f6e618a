import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALICE } from '../support/directory.js';
import { type Answer, field, formFields } from '../support/provider.js';
import {
  CALLBACK,
  CLIENT_SECRET,
  form,
  HINT,
  type SocialProvider,
  startSocialProvider,
} from '../support/social.js';

const CLIENT = '1001';
const DAY = 86_400_000;
type Values = Readonly<Record<string, string | undefined>>;

let idp: SocialProvider;
beforeAll(async () => {
  idp = await startSocialProvider();
});
afterAll(() => idp.stop());

const dialog = (values: Values = {}, path = '/facebook/v3.3/dialog/oauth'): Promise<Answer> => {
  const usual = { client_id: CLIENT, redirect_uri: CALLBACK, state: 's', scope: 'public_profile,email' };
  return idp.query(path, usual, { login_hint: HINT }, values);
};
const token = (values: Values, path = '/facebook/v3.3/oauth/access_token'): Promise<Answer> =>
  idp.query(path, { client_id: CLIENT, client_secret: CLIENT_SECRET }, values);
const redeem = (code: string, values: Values = {}): Promise<Answer> =>
  token({ code, redirect_uri: CALLBACK, ...values });
const signIn = async (values: Values = {}): Promise<string> =>
  field(await redeem(codeIn(await dialog(values))), 'access_token');
const exchange = (accessToken: string, values: Values = {}): Promise<Answer> =>
  token({ grant_type: 'fb_exchange_token', fb_exchange_token: accessToken, ...values });
const me = (accessToken: string, values: Values = {}): Promise<Answer> =>
  idp.query('/facebook/v3.3/me', { access_token: accessToken }, values);

/** The code in a redirect, whose fragment means nothing. */
function codeIn(answer: Answer): string {
  return new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? '';
}

/** Code and subcode of a Graph error, which must have Graph's shape. */
function graphCode({ status, body, headers }: Answer): unknown {
  const { error } = body;
  expect(status).toBe(Object(error).code === 10 ? 403 : 400);
  expect(error).toMatchObject({
    message: expect.any(String),
    type: expect.any(String),
    fbtrace_id: expect.any(String),
  });
  expect(headers.get('www-authenticate')).toContain('OAuth "Facebook Platform"');
  const { code, error_subcode: subcode } = Object(error);
  return subcode === undefined ? code : [code, subcode];
}

describe('facebook: the dialog', () => {
  it('sends a code and the state back, before its odd fragment', async () => {
    const back = (await dialog()).headers.get('location') ?? '';
    expect(back.startsWith(`${CALLBACK}?code=`)).toBe(true);
    expect(back.endsWith('&state=s#_=_')).toBe(true);
  });

  it.each(['/facebook/v19.0/dialog/oauth', '/facebook/dialog/oauth'])('also answers at %s', async (path) => {
    expect((await dialog({}, path)).status).toBe(302);
  });

  it.each<[string, Values, string | undefined]>([
    ['an unknown app', { client_id: '9' }, undefined],
    ['a redirect URI that is not registered', { redirect_uri: 'https://evil.test/' }, undefined],
    ['no redirect URI', { redirect_uri: undefined }, undefined],
    ['a scope that cannot be one', { scope: 'Ünsinn' }, undefined],
    ['another response type', { response_type: 'token' }, undefined],
    ['a version that is none', {}, '/facebook/latest/dialog/oauth'],
  ])('shows %s on a page', async (_, values, path) => {
    const answer = await dialog(values, path);
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
  });

  it('Cancel is access_denied with Facebook’s own members', async () => {
    const page = await dialog({ login_hint: undefined });
    const body = form(formFields(page.text), { cancel: '1' });
    const back = await idp.send('POST', '/facebook/sign_in', { body });
    const sent = new URL(back.headers.get('location') ?? '').searchParams;
    expect(Object.fromEntries(sent)).toEqual({
      error: 'access_denied',
      error_code: '200',
      error_description: 'Permissions error',
      error_reason: 'user_denied',
      state: 's',
    });
  });

  it('a permission left unticked is not granted, the public profile always is', async () => {
    const page = await dialog({ login_hint: undefined, return_scopes: 'true' });
    const back = await idp.send('POST', '/facebook/sign_in', {
      body: form(formFields(page.text), { user: ALICE }),
    });
    const sent = new URL(back.headers.get('location') ?? '').searchParams;
    expect([sent.get('granted_scopes'), sent.get('denied_scopes')]).toEqual(['public_profile', 'email']);
    const accessToken = field(await redeem(sent.get('code') ?? ''), 'access_token');
    expect((await me(accessToken, { fields: 'id,email' })).body).not.toHaveProperty('email');
  });
});

describe('facebook: tokens', () => {
  it('a code gives a short token and never a refresh token', async () => {
    const answer = await redeem(codeIn(await dialog()));
    expect(answer.body).toEqual({ access_token: expect.any(String), token_type: 'bearer', expires_in: 3600 });
  });

  it('a live token is exchanged for one of about 60 days, which can be exchanged again for a new one', async () => {
    const long = await exchange(await signIn());
    expect(long.body.expires_in).toBe(5_183_944);
    idp.clock.now += 59 * DAY;
    const next = await exchange(field(long, 'access_token'));
    expect(field(next, 'access_token')).not.toBe(field(long, 'access_token'));
    idp.clock.now += 59 * DAY;
    expect((await me(field(next, 'access_token'))).status).toBe(200);
  });

  it('an expired token, short or long, cannot be exchanged', async () => {
    const short = await signIn();
    const long = field(await exchange(short), 'access_token');
    idp.clock.now += 3_600_000;
    expect(graphCode(await exchange(short))).toEqual([190, 463]);
    idp.clock.now += 60 * DAY;
    expect(graphCode(await exchange(long))).toEqual([190, 463]);
    expect(graphCode(await me(long))).toEqual([190, 463]);
  });

  it.each([
    ['revoke', 460],
    ['expire', 463],
    ['require-mfa', 459],
    ['disable', 464],
    ['delete', 467],
  ])('after %s every call is 190 with subcode %i, until a new sign-in', async (action, subcode) => {
    const long = field(await exchange(await signIn()), 'access_token');
    await idp.knob(action);
    expect(graphCode(await me(long))).toEqual([190, subcode]);
    expect(graphCode(await exchange(long))).toEqual([190, subcode]);
    await idp.knob('enable');
    await idp.knob('restore');
    expect((await me(await signIn())).status).toBe(200);
    await idp.admin('POST', '/reset');
  });

  it('removing the app is 458, and stays so for old tokens after a new consent', async () => {
    const old = await signIn();
    const removed = await idp.query('/facebook/v3.3/me', { access_token: old, fields: 'id' });
    const id = String(removed.body.id);
    const answer = await idp.send('DELETE', `/facebook/v3.3/${id}/permissions?access_token=${old}`);
    expect(answer.body).toEqual({ success: true });
    expect(graphCode(await me(old))).toEqual([190, 458]);
    expect(graphCode(await exchange(old))).toEqual([190, 458]);
    idp.clock.now += 1;
    expect((await me(await signIn())).status).toBe(200);
    expect(graphCode(await me(old))).toEqual([190, 458]);
  });

  it('one permission can be taken back', async () => {
    const accessToken = await signIn();
    const path = `/facebook/me/permissions/email?access_token=${accessToken}`;
    expect((await idp.send('DELETE', path)).status).toBe(200);
    const list = await idp.query('/facebook/v3.3/me/permissions', { access_token: accessToken });
    expect(list.body.data).toEqual([{ permission: 'public_profile', status: 'granted' }]);
    expect((await me(accessToken, { fields: 'email' })).body).not.toHaveProperty('email');
  });

  it('debug_token tells the app what a token is, and an invalid one as data', async () => {
    const accessToken = await signIn();
    const debug = (values: Values) =>
      idp.query('/facebook/v3.3/debug_token', { access_token: `${CLIENT}|${CLIENT_SECRET}` }, values);
    const { data } = (await debug({ input_token: accessToken })).body;
    const issued = Math.floor(idp.clock.now / 1000);
    expect(data).toMatchObject({
      app_id: CLIENT,
      type: 'USER',
      is_valid: true,
      scopes: ['public_profile', 'email'],
      user_id: expect.stringMatching(/^\d{17}$/),
      expires_at: expect.any(Number),
    });
    expect(Math.abs(Object(data).issued_at - issued)).toBeLessThan(2);
    await idp.knob('revoke');
    expect((await debug({ input_token: accessToken })).body.data).toMatchObject({
      is_valid: false,
      error: { code: 190, subcode: 460 },
    });
    expect((await debug({ input_token: 'x' })).body.data).toMatchObject({ is_valid: false });
    expect(graphCode(await debug({}))).toBe(100);
    expect(graphCode(await debug({ access_token: `${CLIENT}|wrong`, input_token: accessToken }))).toBe(100);
    expect(graphCode(await debug({ access_token: '1002|other', input_token: await signIn() }))).toBe(100);
  });
});

describe('facebook: refusals', () => {
  it.each<[string, Values, unknown]>([
    ['an unknown app', { client_id: '9' }, 101],
    ['a wrong secret', { client_secret: 'wrong' }, 1],
    ['no code', { code: undefined }, 100],
    ['a malformed code', { code: 'AQnonsense' }, 100],
    ['a code of another app', { client_id: '1002', client_secret: 'other' }, 100],
    ['no redirect URI', { redirect_uri: undefined }, 100],
    ['another redirect URI', { redirect_uri: 'http://localhost:8080/x' }, [100, 36008]],
    ['an unknown grant type', { grant_type: 'password' }, 100],
  ])('%s', async (_, values, code) => {
    expect(graphCode(await redeem(codeIn(await dialog()), values))).toEqual(code);
  });

  it('a code twice, and an old code', async () => {
    const code = codeIn(await dialog());
    expect((await redeem(code)).status).toBe(200);
    expect(graphCode(await redeem(code))).toEqual([100, 36009]);
    const old = codeIn(await dialog());
    idp.clock.now += 601_000;
    expect(graphCode(await redeem(old))).toEqual([100, 36007]);
  });

  it('exchanging nothing, nonsense, or a token of another app', async () => {
    expect(graphCode(await exchange(''))).toBe(100);
    expect(graphCode(await exchange('EAAsnonsense'))).toBe(190);
    const other = { client_id: '1002', client_secret: 'other' };
    expect(graphCode(await exchange(await signIn(), other))).toBe(190);
  });

  it('no token, a malformed one, an unknown field, another user, an unknown version', async () => {
    const accessToken = await signIn();
    expect(graphCode(await idp.query('/facebook/v3.3/me'))).toBe(2500);
    expect(graphCode(await me('nonsense'))).toBe(190);
    expect(graphCode(await me(accessToken, { fields: 'shoe_size' }))).toBe(100);
    const path = `/facebook/v3.3/12345/permissions?access_token=${accessToken}`;
    expect(graphCode(await idp.send('DELETE', path))).toBe(10);
    expect(graphCode(await idp.query('/facebook/latest/me', { access_token: accessToken }))).toBe(2500);
  });

  it('injected faults come in Graph’s shape: 1, 2, 4, 10, 17', async () => {
    const statuses = new Map([1, 2, 4, 10, 17].map((code) => [code, code < 3 ? 500 : 403]));
    for (const [code, status] of statuses) {
      await idp.admin('POST', '/faults', { path: '/facebook/v3.3/me', code });
      const answer = await me('x');
      expect(answer.status).toBe(status);
      expect(answer.body.error).toMatchObject({ code, type: 'OAuthException' });
    }
    await idp.admin('POST', '/faults', {
      grant: 'fb_exchange_token',
      client: CLIENT,
      code: 190,
      suberror: '460',
    });
    const answer = await exchange('x');
    expect(answer.body.error).toMatchObject({ code: 190, error_subcode: 460 });
  });
});

describe('facebook: /me', () => {
  it('answers the fields asked for, by default id and name, by header or parameter', async () => {
    const accessToken = await signIn();
    const id = expect.stringMatching(/^\d{17}$/);
    expect((await me(accessToken)).body).toEqual({ name: 'Alice Adams', id });
    const all = { fields: 'first_name,last_name,email,picture.width(48){url}' };
    expect((await me(accessToken, all)).body).toEqual({
      first_name: 'Alice',
      last_name: 'Adams',
      email: 'alice.adams@contoso.test',
      picture: { data: expect.objectContaining({ url: `${idp.url}/facebook/picture/${ALICE}` }) },
      id,
    });
    expect((await idp.bearer('/facebook/me', accessToken)).status).toBe(200);
    expect((await idp.get(`/facebook/picture/${ALICE}`)).headers.get('content-type')).toBe('image/svg+xml');
  });

  it('the user’s id is another at every app', async () => {
    const other = { client_id: '1002', client_secret: 'other' };
    const code = codeIn(await dialog({ client_id: '1002' }));
    const accessToken = field(await redeem(code, other), 'access_token');
    const proof = createHmac('sha256', 'other').update(accessToken).digest('hex');
    const theirs = await me(accessToken, { appsecret_proof: proof });
    expect(theirs.body.id).not.toBe((await me(await signIn())).body.id);
  });

  it('appsecret_proof must be right where it is given, and given where the app requires it', async () => {
    const accessToken = await signIn();
    const proof = createHmac('sha256', CLIENT_SECRET).update(accessToken).digest('hex');
    expect((await me(accessToken, { appsecret_proof: proof })).status).toBe(200);
    expect(graphCode(await me(accessToken, { appsecret_proof: 'wrong' }))).toBe(100);
    const strict = await redeem(codeIn(await dialog({ client_id: '1002' })), {
      client_id: '1002',
      client_secret: 'other',
    });
    expect(graphCode(await me(field(strict, 'access_token')))).toBe(100);
  });
});
