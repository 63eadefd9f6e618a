import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBrowser } from './support/browser.js';
import type { Seen } from './support/echo_app.js';
import {
  atProvider,
  comeBack,
  type Social,
  type SocialStack,
  signInAt,
  social,
  startSocialStack,
} from './support/social_stack.js';

let stack: SocialStack;
beforeAll(async () => {
  stack = await startSocialStack();
});
afterAll(() => stack.close());

const at = (path: string) => `${stack.gateway.url}${path}`;

async function signedIn(provider: Social, query = '', url = stack.gateway.url) {
  const browser = createBrowser();
  const done = await signInAt(browser, `${url}/.auth/login/${provider}${query}`);
  const seen = (await browser.ask(`${url}/api`)).json<Seen>();
  return { browser, done, headers: seen.headers };
}

interface Principal {
  auth_typ: string;
  claims: { typ: string; val: string }[];
  name_typ: string;
  role_typ: string;
}
const principalIn = (headers: Seen['headers']) =>
  JSON.parse(
    Buffer.from(headers['x-ms-client-principal']?.[0] ?? '', 'base64').toString('utf8'),
  ) as Principal;

/** The kinds of token headers of a provider, such as `access-token`. */
const kinds = (headers: Seen['headers'], provider: string) =>
  Object.keys(headers)
    .filter((name) => name.startsWith('x-ms-token-'))
    .map((name) => name.replace(`x-ms-token-${provider}-`, ''))
    .sort();

const rows: [Social, string, string[]][] = [
  ['google', '', ['access-token', 'expires-on', 'id-token']],
  [
    'google',
    '?access_type=offline&prompt=consent',
    ['access-token', 'expires-on', 'id-token', 'refresh-token'],
  ],
  ['facebook', '', ['access-token', 'expires-on']],
  ['twitter', '', ['access-token', 'access-token-secret']],
  ['github', '', ['access-token']],
  ['apple', '', ['access-token', 'expires-on', 'id-token']],
];

describe('§2.4 token headers of the social providers [D/O]', () => {
  it.each(rows)('%s%s: %j, and the same in /.auth/me', async (provider, query, expected) => {
    const { browser, done, headers } = await signedIn(provider, query);
    expect([done.status, done.headers.location]).toEqual([302, at('/.auth/login/done')]);
    expect(kinds(headers, provider)).toEqual(expected);
    const [entry] = (await browser.ask(at('/.auth/me'))).json<Record<string, string>[]>();
    for (const kind of expected)
      expect(headers[`x-ms-token-${provider}-${kind}`]).toEqual([entry?.[kind.replaceAll('-', '_')]]);
    expect(entry?.provider_name).toBe(provider);
    expect(entry?.user_id).toBe(headers['x-ms-client-principal-id']?.[0]);
  });

  it.each(social)('%s without a token store: no token headers, the principal remains', async (provider) => {
    const { headers } = await signedIn(provider, '', stack.storeless.url);
    expect(kinds(headers, provider)).toEqual([]);
    expect(headers['x-ms-client-principal-idp']).toEqual([provider]);
  });

  it('facebook: the token is the one of about 60 days', async () => {
    const { headers } = await signedIn('facebook');
    const ends = Date.parse(headers['x-ms-token-facebook-expires-on']?.[0] ?? '');
    expect((ends - Date.now()) / 86_400_000).toBeGreaterThan(50);
  });
});

const base = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims';
const names: [Social, string, string][] = [
  ['google', `${base}/emailaddress`, 'alice@contoso.test'],
  ['facebook', `${base}/name`, 'Alice Adams'],
  ['twitter', `${base}/name`, 'alice'],
  ['github', `${base}/name`, 'alice'],
  ['apple', `${base}/emailaddress`, 'alice@contoso.test'],
];

describe('§2.2 the principal of the social providers [D/U]', () => {
  it.each(names)('%s: all four headers, the name under %s', async (provider, nameType, name) => {
    const { headers } = await signedIn(provider);
    const principal = principalIn(headers);
    expect(headers['x-ms-client-principal-name']).toEqual([name]);
    expect(headers['x-ms-client-principal-idp']).toEqual([provider]);
    expect(principal).toMatchObject({ auth_typ: provider, name_typ: nameType });
    expect(principal.claims).toContainEqual({ typ: nameType, val: name });
    const id = principal.claims.find(({ typ }) => typ === `${base}/nameidentifier`)?.val;
    expect(headers['x-ms-client-principal-id']).toEqual([id]);
  });

  it('apple: the name posted once is told, as given and family name', async () => {
    const browser = createBrowser();
    const start = await browser.ask(at('/.auth/login/apple'));
    const back = await atProvider(String(start.headers.location), 'bob');
    const form = new URLSearchParams(back.form);
    form.set('user', JSON.stringify({ name: { firstName: 'Bob', lastName: 'Brown' }, email: 'evil@x.test' }));
    await comeBack(browser, { url: back.url, form: form.toString() });
    const { claims } = principalIn((await browser.ask(at('/api'))).json<Seen>().headers);
    expect(claims).toContainEqual({ typ: `${base}/givenname`, val: 'Bob' });
    expect(claims).toContainEqual({ typ: `${base}/surname`, val: 'Brown' });
    expect(JSON.stringify(claims)).not.toContain('evil@x.test');
  });

  it('github: profile fields are urn:github:<field> claims', async () => {
    const { claims } = principalIn((await signedIn('github')).headers);
    expect(claims).toContainEqual({ typ: 'urn:github:login', val: 'alice' });
  });
});

describe('§5.1 authorize requests of the social providers [O/D]', () => {
  const startOf = async (path: string) =>
    new URL(String((await createBrowser().ask(at(path))).headers.location));

  it('google: code with nonce, access_type and scope passed on, no protocol parameter from outside', async () => {
    const url = await startOf(
      '/.auth/login/google?access_type=offline&state=evil&redirect_uri=https://evil.test',
    );
    const query = Object.fromEntries(url.searchParams);
    expect(query).toMatchObject({
      response_type: 'code',
      scope: 'openid profile email',
      access_type: 'offline',
      redirect_uri: at('/.auth/login/google/callback'),
      state: `redir=${encodeURIComponent('/.auth/login/done')}`,
    });
    expect(query.nonce).toMatch(/^[0-9a-f]{32}_\d{14}$/);
  });

  it('github: no scope unless configured, the nonce inside the state', async () => {
    const url = await startOf('/.auth/login/github?post_login_redirect_uri=/x%3Fy=1');
    expect(url.searchParams.has('scope')).toBe(false);
    const state = new URLSearchParams(url.searchParams.get('state') ?? '');
    expect(state.get('redir')).toBe('/x?y=1');
    expect(state.get('nonce')).toMatch(/^[0-9a-f]{32}_\d{14}$/);
  });

  it('apple: form_post when name or email is asked for, a query otherwise', async () => {
    const posted = await startOf('/.auth/login/apple');
    expect(posted.searchParams.get('response_mode')).toBe('form_post');
    const plain = await startOf('/.auth/login/apple?scope=openid');
    expect(plain.searchParams.has('response_mode')).toBe(false);
  });

  it('twitter: OAuth 1.0a by a request token, and the page wanted is reached though X returns no state', async () => {
    const browser = createBrowser();
    const done = await signInAt(browser, at('/.auth/login/x?post_login_redirect_uri=/deep%3Fq=1'));
    expect(done.headers.location).toBe(at('/deep?q=1'));
  });

  it('twitter: a page whose address is too long for the cookie is given up, not the sign-in', async () => {
    const target = encodeURIComponent(`/${'x'.repeat(3_000)}`);
    const done = await signInAt(createBrowser(), at(`/.auth/login/x?post_login_redirect_uri=${target}`));
    expect([done.status, done.headers.location]).toEqual([302, at('/')]);
  });

  it('an unauthenticated page goes to redirectToProvider, whatever its case, and comes back', async () => {
    const browser = createBrowser();
    const done = await signInAt(browser, at('/page?a=1'));
    expect(done.headers.location).toBe(at('/page?a=1'));
    expect((await browser.ask(at('/.auth/me?provider=GITHUB'))).json()).toMatchObject({
      provider_name: 'github',
    });
  });
});

describe('§5.1 every sign-in is bound to its browser and its provider [I]', () => {
  const state = (text: string) => new URL(text).searchParams.get('state') ?? '';

  it.each(social)('%s: another browser cannot use the answer', async (provider) => {
    const start = await createBrowser().ask(at(`/.auth/login/${provider}`));
    const back = await atProvider(String(start.headers.location));
    const other = createBrowser();
    await other.ask(at(`/.auth/login/${provider}`));
    expect((await comeBack(other, back)).status).toBe(401);
    expect((await other.ask(at('/api'))).status).toBe(302);
  });

  it.each(social)('%s: an answer cannot be used twice', async (provider) => {
    const browser = createBrowser();
    const start = await browser.ask(at(`/.auth/login/${provider}`));
    const back = await atProvider(String(start.headers.location));
    expect((await comeBack(browser, back)).status).toBe(302);
    expect((await comeBack(browser, back)).status).toBe(401);
  });

  it('an answer of one provider is refused at the callback of another', async () => {
    const browser = createBrowser();
    await browser.ask(at('/.auth/login/facebook'));
    const start = await browser.ask(at('/.auth/login/github'));
    const back = await atProvider(String(start.headers.location));
    const moved = back.url.replace('/github/callback', '/facebook/callback');
    expect((await browser.ask(moved)).status).toBe(401);
    expect((await comeBack(browser, back)).status).toBe(302);
  });

  it('a state changed on the way leads nowhere else', async () => {
    const browser = createBrowser();
    const start = await browser.ask(at('/.auth/login/github'));
    const back = await atProvider(String(start.headers.location));
    const url = new URL(back.url);
    const changed = new URLSearchParams(state(back.url));
    changed.set('redir', 'https://evil.test/');
    url.searchParams.set('state', changed.toString());
    expect((await browser.ask(url.href)).headers.location).toBe(at('/'));
  });

  it('an answer nobody waits for is refused without asking the provider', async () => {
    const answer = await createBrowser().ask(at('/.auth/login/google/callback?code=x&state=redir%3D%252F'));
    expect(answer.status).toBe(401);
    expect(stack.lines.at(-1)).toContain('no sign-in under way');
  });

  it('a user who declines at X gets a 401 that repeats the code only', async () => {
    const browser = createBrowser();
    await browser.ask(at('/.auth/login/twitter'));
    const answer = await browser.ask(at('/.auth/login/twitter/callback?denied=%3Cb%3E'));
    expect([answer.status, answer.text]).toEqual([401, 'The sign-in failed: access_denied.\n']);
  });
});

describe('§4.5 refresh per provider [D/O]', () => {
  it.each(['facebook', 'twitter', 'github', 'apple'] as const)(
    '%s never refreshes: 400 (82)',
    async (provider) => {
      const { browser } = await signedIn(provider);
      expect((await browser.ask(at('/.auth/refresh'))).status).toBe(400);
      expect(stack.lines.some((line) => line.includes('status=400.82'))).toBe(true);
    },
  );

  it('§4.5 §11 google: only after access_type=offline, and a later sign-in keeps the refresh token', async () => {
    const first = createBrowser();
    await signInAt(first, at('/.auth/login/google'), 'bob');
    expect((await first.ask(at('/.auth/refresh'))).status).toBe(403);
    await signInAt(first, at('/.auth/login/google?access_type=offline&prompt=consent'), 'bob');
    const before = (await first.ask(at('/.auth/me'))).json<
      { access_token: string; refresh_token: string }[]
    >();
    expect((await first.ask(at('/.auth/refresh'))).status).toBe(200);
    const again = createBrowser();
    await signInAt(again, at('/.auth/login/google'), 'bob');
    const after = (await again.ask(at('/.auth/me'))).json<
      { access_token: string; refresh_token: string }[]
    >();
    expect(after[0]?.refresh_token).toBe(before[0]?.refresh_token);
    expect(after[0]?.access_token).not.toBe(before[0]?.access_token);
    expect((await again.ask(at('/.auth/refresh'))).status).toBe(200);
  });
});

describe('§5.6 sign-out at the social providers [D]', () => {
  it('google: its own session is ended too; the others end here', async () => {
    const { browser } = await signedIn('google');
    const away = await browser.ask(at('/.auth/logout'));
    expect(away.headers.location).toBe(
      `${stack.idp.url}/google/logout?continue=${encodeURIComponent(at('/.auth/logout/complete'))}`,
    );
    const github = await signedIn('github');
    expect((await github.browser.ask(at('/.auth/logout'))).headers.location).toBe(
      at('/.auth/logout/complete'),
    );
  });
});

describe('§1 provider aliases [D]', () => {
  it('x and twitter are one provider, names compare without case, and what is not configured is a 404', async () => {
    for (const name of ['x', 'twitter', 'X', 'GitHub'])
      expect((await createBrowser().ask(at(`/.auth/login/${name}`))).status).toBe(302);
    for (const name of ['aad', 'nobody'])
      expect((await createBrowser().ask(at(`/.auth/login/${name}`))).status).toBe(404);
  });
});

describe('§7.6 the log of the social providers [I]', () => {
  it('holds no token, secret, code or name of a user', async () => {
    const { browser } = await signedIn('facebook');
    const [entry] = (await browser.ask(at('/.auth/me'))).json<{ access_token: string }[]>();
    const text = stack.lines.join('\n');
    for (const canary of ['social-canary', 'alice@', 'Alice', entry?.access_token ?? 'none'])
      expect(text).not.toContain(canary);
  });
});
