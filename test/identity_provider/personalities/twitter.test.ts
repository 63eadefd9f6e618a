import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseString, hmacSha1 } from '../../../local/identity_provider/personalities/twitter/signature.js';
import { ALICE } from '../support/directory.js';
import { type Credentials, oauthHeader, sign } from '../support/oauth1.js';
import { type Answer, cookieOf, formFields, location } from '../support/provider.js';
import {
  CALLBACK,
  CLIENT_SECRET,
  form,
  type SocialProvider,
  startSocialProvider,
} from '../support/social.js';

const APP: Credentials = { key: 'tw-key', secret: CLIENT_SECRET };
type Values = Readonly<Record<string, string | undefined>>;

let idp: SocialProvider;
beforeAll(async () => {
  idp = await startSocialProvider();
});
afterAll(() => idp.stop());

type Call = Readonly<{ method?: string; oauth?: Values; form?: Record<string, string> }>;

function call(who: Credentials, path: string, { method = 'POST', oauth = {}, form: fields }: Call = {}) {
  const signing = { method, url: idp.url + path, oauth, now: idp.clock.now };
  const parameters = sign(who, fields === undefined ? signing : { ...signing, form: fields });
  const headers = { authorization: oauthHeader({ ...parameters, ...onlyText(oauth) }) };
  return idp.send(method, path, fields === undefined ? { headers } : { headers, body: form(fields) });
}

function onlyText(values: Values): Record<string, string> {
  return Object.fromEntries(form(values));
}

/** Twitter's error codes in an answer. */
function code(answer: Answer): unknown {
  const { errors } = answer.body;
  return [answer.status, Array.isArray(errors) ? errors[0]?.code : undefined];
}

const fields = (answer: Answer): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(answer.text));
const requestToken = async (oauth: Values = {}): Promise<Record<string, string>> =>
  fields(await call(APP, '/twitter/oauth/request_token', { oauth: { oauth_callback: CALLBACK, ...oauth } }));
const authenticate = (
  token: string | undefined,
  values: Values = { screen_name: 'alice' },
): Promise<Answer> => idp.query('/twitter/oauth/authenticate', { oauth_token: token }, values);

async function approved(): Promise<{ who: Credentials; verifier: string }> {
  const { oauth_token: token, oauth_token_secret: tokenSecret } = await requestToken();
  const back = location(await authenticate(token));
  return { who: { ...APP, token, tokenSecret }, verifier: back.get('oauth_verifier') ?? '' };
}

const exchange = (who: Credentials, verifier: string): Promise<Answer> =>
  call(who, '/twitter/oauth/access_token', { oauth: { oauth_verifier: verifier } });

async function signIn(): Promise<Credentials> {
  const { who, verifier } = await approved();
  const { oauth_token: token, oauth_token_secret: tokenSecret } = fields(await exchange(who, verifier));
  return { ...APP, token, tokenSecret };
}

const verify = (who: Credentials, call_: Call = {}, query = ''): Promise<Answer> =>
  call(who, `/twitter/1.1/account/verify_credentials.json${query}`, { method: 'GET', ...call_ });

describe('twitter: signatures (RFC 5849)', () => {
  it('are those of the example of §1.2', () => {
    const base = baseString('GET', 'http://photos.example.net/photos', [
      ['file', 'vacation.jpg'],
      ['size', 'original'],
      ['oauth_consumer_key', 'dpf43f3p2l4k3l03'],
      ['oauth_token', 'nnch734d00sl2jdk'],
      ['oauth_signature_method', 'HMAC-SHA1'],
      ['oauth_timestamp', '137131202'],
      ['oauth_nonce', 'chapoH'],
    ]);
    const secrets = { consumer: 'kd94hf93k423kf44', token: 'pfkkdhi9sl3r4s00' };
    expect(hmacSha1(base, secrets)).toBe('MdpQcU8iPSUjWoN/UDMsK2sui9I=');
  });

  it('sort and encode as the example of §3.4.1.1', () => {
    const base = baseString('POST', 'http://example.com/request', [
      ['b5', '=%3D'],
      ['a3', 'a'],
      ['c@', ''],
      ['a2', 'r b'],
      ['oauth_consumer_key', '9djdj82h48djs9d2'],
      ['oauth_token', 'kkk9d7dh3k39sjv7'],
      ['oauth_signature_method', 'HMAC-SHA1'],
      ['oauth_timestamp', '137131201'],
      ['oauth_nonce', '7d8f3e4a'],
      ['c2', ''],
      ['a3', '2 q'],
    ]);
    expect(base).toBe(
      'POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7',
    );
  });

  it('cover the query, the form and the header, and hold for odd characters', async () => {
    const who = await signIn();
    const odd = `?include_email=true&odd=${encodeURIComponent("a b+c&=%!'()*~ü😀")}`;
    expect((await verify(who, {}, odd)).body.email).toBe('alice.adams@contoso.test');
    const path = '/twitter/oauth/request_token';
    const answer = await call(APP, path, { form: { oauth_callback: CALLBACK, x: "a b+c!'" } });
    expect(fields(answer).oauth_callback_confirmed).toBe('true');
  });

  it('may come in the query or the form in place of the header', async () => {
    const who = await signIn();
    const url = `${idp.url}/twitter/1.1/account/verify_credentials.json`;
    const parameters = sign(who, { method: 'GET', url, now: idp.clock.now });
    expect((await idp.query('/twitter/1.1/account/verify_credentials.json', parameters)).status).toBe(200);
  });

  it.each<[string, Values, unknown]>([
    ['an unknown consumer', { oauth_consumer_key: 'nobody' }, [401, 32]],
    ['a wrong signature', { oauth_signature: 'AAAA' }, [401, 32]],
    ['another method', { oauth_signature_method: 'PLAINTEXT' }, [401, 32]],
    ['another version', { oauth_version: '2.0' }, [401, 32]],
    ['no nonce', { oauth_nonce: undefined }, [400, 215]],
    ['no timestamp', { oauth_timestamp: undefined }, [400, 215]],
    ['a timestamp that is none', { oauth_timestamp: 'now' }, [400, 215]],
    ['an unknown token', { oauth_token: '1-x' }, [401, 89]],
  ])('are refused with %s', async (_, oauth, expected) => {
    expect(code(await verify(await signIn(), { oauth }))).toEqual(expected);
  });

  it('are refused with another secret, for another query, another method, or nothing signed at all', async () => {
    const who = await signIn();
    expect(code(await verify({ ...who, secret: 'wrong' }))).toEqual([401, 32]);
    expect(code(await verify({ ...who, tokenSecret: 'wrong' }))).toEqual([401, 32]);
    const path = '/twitter/1.1/account/verify_credentials.json';
    const parameters = sign(who, { method: 'GET', url: idp.url + path, now: idp.clock.now });
    const headers = { authorization: oauthHeader(parameters) };
    const changed = await idp.send('GET', `${path}?include_email=true`, { headers });
    expect(code(changed)).toEqual([401, 32]);
    expect(code(await idp.get(path))).toEqual([400, 215]);
    expect(code(await idp.get(path, { authorization: 'OAuth oauth_nonce="%zz"' }))).toEqual([400, 215]);
  });

  it('count once: the same request again is refused', async () => {
    const who = await signIn();
    const path = '/twitter/1.1/account/verify_credentials.json';
    const parameters = sign(who, { method: 'GET', url: idp.url + path, now: idp.clock.now });
    const headers = { authorization: oauthHeader(parameters) };
    expect((await idp.send('GET', path, { headers })).status).toBe(200);
    expect(code(await idp.send('GET', path, { headers }))).toEqual([401, 32]);
  });

  it('hold for five minutes either way', async () => {
    const who = await signIn();
    const at = (seconds: number) => ({
      oauth: { oauth_timestamp: String(Math.floor(idp.clock.now / 1000) + seconds) },
    });
    expect((await verify(who, at(-299))).status).toBe(200);
    expect((await verify(who, at(299))).status).toBe(200);
    expect(code(await verify(who, at(-302)))).toEqual([401, 135]);
    expect(code(await verify(who, at(302)))).toEqual([401, 135]);
  });

  it('a protocol parameter given twice is refused', async () => {
    const who = await signIn();
    const answer = await verify(who, {}, '?oauth_nonce=again');
    expect(code(answer)).toEqual([400, 215]);
  });
});

describe('twitter: the three legs', () => {
  it('confirm the callback, and refuse one that is not the app’s', async () => {
    expect((await requestToken()).oauth_callback_confirmed).toBe('true');
    const evil = await call(APP, '/twitter/oauth/request_token', {
      oauth: { oauth_callback: 'https://evil.test/' },
    });
    expect(code(evil)).toEqual([403, 415]);
  });

  it('give the access token for request token and verifier, once', async () => {
    const { who, verifier } = await approved();
    const answer = await exchange(who, verifier);
    expect(fields(answer)).toEqual({
      oauth_token: expect.stringMatching(/^\d{19}-[\w-]+$/),
      oauth_token_secret: expect.any(String),
      user_id: expect.stringMatching(/^\d{19}$/),
      screen_name: 'alice',
    });
    expect(code(await exchange(who, verifier))).toEqual([401, 89]);
  });

  it('refuse a missing, malformed or foreign verifier, and another app', async () => {
    const [mine, theirs] = [await approved(), await approved()];
    for (const verifier of ['', 'nonsense', theirs.verifier]) {
      expect((await exchange(mine.who, verifier)).status).toBe(401);
    }
    const other = { ...mine.who, key: 'tw-other', secret: 'other' };
    expect(code(await exchange(other, mine.verifier))).toEqual([401, 89]);
    expect((await exchange(mine.who, mine.verifier)).status).toBe(200);
  });

  it('a request token ends after 15 minutes and shows a page when used, over or unknown', async () => {
    const { who, verifier } = await approved();
    expect((await exchange(who, verifier)).status).toBe(200);
    const used = await authenticate(who.token);
    const { oauth_token: token } = await requestToken();
    idp.clock.now += 900_000;
    const [late, unknown] = [await authenticate(token), await authenticate('nonsense')];
    for (const page of [used, late, unknown]) {
      expect([page.status, page.headers.get('location')]).toEqual([400, null]);
    }
  });

  it('Cancel calls back with denied', async () => {
    const { oauth_token: token = '' } = await requestToken();
    const page = await authenticate(token, {});
    const body = form(formFields(page.text), { cancel: '1' });
    const back = await idp.send('POST', '/twitter/sign_in', { body });
    expect(back.headers.get('location')).toBe(`${CALLBACK}?denied=${token}`);
  });

  it('authenticate is silent for who agreed before, authorize and force_login ask every time', async () => {
    const cookie = cookieOf(await authenticate((await requestToken()).oauth_token));
    const visit = async (path: string): Promise<number> => {
      const { oauth_token: token } = await requestToken();
      return (await idp.get(`${path}oauth_token=${token}`, { cookie })).status;
    };
    expect(await visit('/twitter/oauth/authenticate?')).toBe(302);
    expect(await visit('/twitter/oauth/authenticate?force_login=true&')).toBe(200);
    expect(await visit('/twitter/oauth/authorize?')).toBe(200);
  });

  it('out of band the page shows the code', async () => {
    const { oauth_token: token, oauth_token_secret: tokenSecret } = await requestToken({
      oauth_callback: 'oob',
    });
    const page = await authenticate(token);
    const verifier = /<code>([^<]+)<\/code>/.exec(page.text)?.[1] ?? '';
    expect((await exchange({ ...APP, token, tokenSecret }, verifier)).status).toBe(200);
  });
});

describe('twitter: access tokens', () => {
  it('do not expire, and are the same at every sign-in', async () => {
    const first = await signIn();
    idp.clock.now += 1000 * 86_400_000;
    expect(await signIn()).toEqual(first);
    expect((await verify(first)).status).toBe(200);
  });

  it('tell who signed in, with the e-mail address only when asked for', async () => {
    const who = await signIn();
    const answer = await verify(who);
    expect(answer.body).toMatchObject({
      id_str: who.token?.split('-')[0],
      name: 'Alice Adams',
      screen_name: 'alice',
    });
    expect(answer.body).not.toHaveProperty('email');
    const picture = String(answer.body.profile_image_url_https);
    expect(picture).toBe(`${idp.url}/twitter/picture/${ALICE}`);
  });

  it.each([
    ['revoke', [401, 89]],
    ['expire', [401, 89]],
    ['delete', [401, 89]],
    ['disable', [403, 64]],
    ['require-mfa', [403, 326]],
  ])('after %s are refused, and another is given at the next sign-in', async (action, expected) => {
    const old = await signIn();
    await idp.knob(action);
    expect(code(await verify(old))).toEqual(expected);
    await idp.admin('POST', '/reset');
    await idp.knob('restore');
    const next = await signIn();
    expect((await verify(next)).status).toBe(200);
    if (['revoke', 'expire'].includes(action)) {
      expect(next.token).not.toBe(old.token);
      expect(code(await verify(old))).toEqual([401, 89]);
    }
  });

  it('end when the app is removed, or when they are invalidated by themselves', async () => {
    const removed = await signIn();
    await idp.removeApp('twitter', 'tw-key');
    expect(code(await verify(removed))).toEqual([401, 89]);
    const own = await signIn();
    const answer = await call(own, '/twitter/1.1/oauth/invalidate_token');
    expect(answer.body).toEqual({ access_token: own.token });
    expect(code(await verify(own))).toEqual([401, 89]);
  });

  it('serve their own app only', async () => {
    const who = await signIn();
    expect(code(await verify({ ...who, key: 'tw-other', secret: 'other' }))).toEqual([401, 89]);
  });
});
