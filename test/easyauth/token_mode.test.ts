import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Answer, createBrowser, providerForm } from './support/browser.js';
import { seconds } from './support/clock.js';
import { runScript, scriptOf } from './support/page_script.js';
import { useStack } from './support/stack.js';

const page = 'https://spa.test';
const native = 'myapp://easyauth.callback';
const stack = useStack({
  config: { 'login.allowedExternalRedirectUrls': [`${page}/signed-in`, native] },
  env: { WEBSITE_CORS_ALLOWED_ORIGINS: 'https://cors.test' },
});
const at = (path: string) => `${stack().gateway.url}${path}`;
const start = (query: Record<string, string>) => `/.auth/login/aad?${new URLSearchParams(query)}`;

type Given = { authenticationToken: string; user: { userId: string } };

const signIn = (query: Record<string, string>) => createBrowser().signIn(at(start(query)));
const locationOf = (answer: Answer) => new URL(String(answer.headers.location));
const works = async (token: string) =>
  (await createBrowser().ask(at('/api'), { headers: { 'x-zumo-auth': token } })).status;

function fragment(answer: Answer, name: string): string {
  const { hash } = locationOf(answer);
  if (!hash.startsWith(`#${name}=`)) throw new Error(`no ${name} in ${hash.slice(0, 20)}`);
  return decodeURIComponent(hash.slice(name.length + 2));
}

describe('§5.3 token mode [M]', () => {
  it('ends at login/done#token= with the JSON of §5.4, and sets no session cookie', async () => {
    const done = await signIn({ session_mode: 'token' });
    expect(done.status).toBe(302);
    expect(`${locationOf(done).origin}${locationOf(done).pathname}`).toBe(at('/.auth/login/done'));
    const given = JSON.parse(fragment(done, 'token')) as Given;
    expect(given.user.userId).toMatch(/^sid:/);
    expect(await works(given.authenticationToken)).toBe(200);
    expect(done.setCookies.join()).not.toContain('AppServiceAuthSession');
  });

  it('with a target, the fragment is added to it', async () => {
    const query = { session_mode: 'token', post_login_redirect_uri: `${page}/signed-in?a=1` };
    const done = await signIn(query);
    expect(String(done.headers.location)).toMatch(/^https:\/\/spa\.test\/signed-in\?a=1#token=%7B/);
  });

  it('an error of the provider ends at login/done#error=', async () => {
    const browser = createBrowser();
    const begun = await browser.ask(at(start({ session_mode: 'token' })));
    const state = locationOf(begun).searchParams.get('state') ?? '';
    const query = new URLSearchParams({ error: 'access_denied', state });
    const done = await browser.ask(at(`/.auth/login/aad/callback?${query}`));
    expect(fragment(done, 'error')).toBe('The sign-in failed: access_denied.');
  });

  it('an answer that is not good ends at #error= too', async () => {
    const browser = createBrowser();
    const begun = await browser.ask(at(start({ session_mode: 'token' })));
    const { fields } = await providerForm(String(begun.headers.location));
    const body = new URLSearchParams({ ...fields, code: 'another' }).toString();
    const done = await browser.ask(at('/.auth/login/aad/callback'), {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body,
    });
    expect(fragment(done, 'error')).toMatch(/^The sign-in failed/);
  });

  it('a provider that cannot be reached, or a user who is not let in, ends at #error= too', async () => {
    const { script } = stack().provider;
    script.tokenFault = { status: 503 };
    const down = await signIn({ session_mode: 'token' });
    script.tokenFault = undefined;
    expect(fragment(down, 'error')).toBe('The identity provider cannot be reached. Try again later.');
    expect(stack().lines.at(-1)).toContain('status=302.79');
  });

  it('login/done says what failed, and shows nothing that others made up', async () => {
    const done = await createBrowser().ask(at('/.auth/login/done'));
    const shown = (hash: string) => {
      const element = (text: string) => ({ textContent: text });
      const parts: Record<string, { textContent: string }> = { h1: element('Signed in'), p: element('') };
      const document = { title: 'Signed in', querySelector: (name: string) => parts[name] };
      runScript(done, { location: { hash }, document });
      return [document.title, parts.h1?.textContent, parts.p?.textContent];
    };
    const failed = (text: string) => shown(`#error=${encodeURIComponent(text)}`);
    expect(shown('#token=%7B%7D')).toEqual(['Signed in', 'Signed in', '']);
    const title = 'Sign-in failed';
    for (const text of ['The sign-in failed: access_denied.', 'The sign-in failed. Go back and try again.'])
      expect(failed(text)).toEqual([title, title, text]);
    for (const text of [
      '',
      'Call 555-0100.',
      'The sign-in failed: call 555-0100.',
      '<b>x</b>',
      'The sign-in failed: x.\nY.',
    ])
      expect(failed(text)).toEqual([title, title, 'The sign-in failed.']);
  });

  it('the state alone cannot turn an ordinary sign-in into token mode', async () => {
    const browser = createBrowser();
    const begun = await browser.ask(at('/.auth/login/aad'));
    const { fields } = await providerForm(String(begun.headers.location));
    const state = `${fields.state}&session_mode=token&nonce=${'0'.repeat(32)}`;
    const done = await browser.ask(at('/.auth/login/aad/callback'), {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...fields, state }).toString(),
    });
    expect(locationOf(done).hash).toBe('');
    expect(browser.jar.has('AppServiceAuthSession')).toBe(true);
  });

  const refused: [string, Record<string, string>][] = [
    ['an unknown session_mode', { session_mode: 'both' }],
    [
      'a target that is not allowed',
      { session_mode: 'token', post_login_redirect_uri: 'https://evil.test/' },
    ],
    ['an unknown completion_type', { completion_type: 'alert', completion_origin: page }],
    [
      'a completion_origin that is not allowed',
      { completion_type: 'postMessage', completion_origin: 'https://evil.test' },
    ],
    ['a completion_origin with a path', { completion_type: 'postMessage', completion_origin: `${page}/x` }],
    ['no completion_origin', { completion_type: 'iframe' }],
    ['a star', { completion_type: 'postMessage', completion_origin: '*' }],
  ];
  it.each(refused)('%s is a 400', async (_name, query) => {
    expect((await createBrowser().ask(at(start(query)))).status).toBe(400);
  });
});

describe('§5.3 completion in a popup [M]', () => {
  const popup = async (type: string, origin: string) =>
    signIn({ session_mode: 'token', completion_type: type, completion_origin: origin });

  it.each([page, 'https://cors.test'])(
    'postMessage sends LoginCompleted to %s and nobody else',
    async (origin) => {
      const done = await popup('postMessage', origin);
      expect(done.status).toBe(200);
      const sent: unknown[][] = [];
      const opener = { postMessage: (...args: unknown[]) => sent.push(args) };
      let closed = false;
      const close = () => {
        closed = true;
      };
      runScript(done, { opener, close, location: { origin: at('') } });
      const [[message, target] = []] = sent as [[{ type: string; oauth: Given }, string]];
      expect([sent.length, message?.type, target, closed]).toEqual([1, 'LoginCompleted', origin, true]);
      expect(await works(message?.oauth.authenticationToken ?? '')).toBe(200);
      expect(done.headers['cache-control']).toBe('no-store');
    },
  );

  it('iframe sends it to the relay frame, which passes it on to the origin alone', async () => {
    const done = await popup('iframe', page);
    const relayed: unknown[][] = [];
    const frame = { postMessage: (...args: unknown[]) => relayed.push(args) };
    const opener = { frames: { 'zumo-login-receiver': frame } };
    runScript(done, { opener, close: () => {}, location: { origin: at('') } });
    expect(relayed[0]?.[1]).toBe(at(''));

    const receiver = await createBrowser().ask(at(`/.auth/login/iframereceiver?completion_origin=${page}`));
    expect(String(receiver.headers['content-security-policy'])).toContain(`frame-ancestors ${page}`);
    const passed: unknown[][] = [];
    let hear: ((event: unknown) => void) | undefined;
    runScript(receiver, {
      addEventListener: (_name: string, handler: (event: unknown) => void) => {
        hear = handler;
      },
      location: { origin: at('') },
      parent: { postMessage: (...args: unknown[]) => passed.push(args) },
    });
    hear?.({ origin: 'https://evil.test', data: { type: 'LoginCompleted', oauth: 'forged' } });
    hear?.({ origin: at(''), data: relayed[0]?.[0] });
    expect(passed).toEqual([[relayed[0]?.[0], page]]);
  });

  it('the relay of an origin that is not allowed is a 400', async () => {
    for (const origin of ['https://evil.test', '', 'null', 'javascript:alert(1)'])
      expect(
        (await createBrowser().ask(at(`/.auth/login/iframereceiver?completion_origin=${origin}`))).status,
      ).toBe(400);
  });

  it('nothing in the data can leave the script', async () => {
    stack().provider.script.user = { email: '</script><script>alert(1)</script>' };
    const done = await popup('postMessage', page);
    stack().provider.script.user = {};
    expect(scriptOf(done)).not.toContain('</script');
  });
});

describe('§5.3 native PKCE [M]', () => {
  const verifier = randomBytes(32).toString('base64');
  const challenge = createHash('sha256').update(verifier).digest('base64');
  const query = {
    post_login_redirect_url: native,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    session_mode: 'token',
  };
  const codeFrom = async (more: Record<string, string> = {}) => {
    const done = await signIn({ ...query, ...more });
    expect(String(done.headers.location)).toMatch(/^myapp:\/\/easyauth\.callback\/?\?authorization_code=/);
    return locationOf(done).searchParams.get('authorization_code') ?? '';
  };
  const redeem = (code: string, given = verifier, provider = 'aad') => {
    const search = new URLSearchParams({ authorization_code: code, code_verifier: given });
    return createBrowser().ask(at(`/.auth/login/${provider}/token?${search}`));
  };

  it('a code comes back to the app, and with the verifier it gives the session token', async () => {
    const answer = await redeem(await codeFrom());
    expect(answer.status).toBe(200);
    expect(await works(answer.json<Given>().authenticationToken)).toBe(200);
  });

  it('Base64 of either alphabet is understood', async () => {
    const code = await codeFrom({ code_challenge: Buffer.from(challenge, 'base64').toString('base64url') });
    expect((await redeem(code)).status).toBe(200);
  });

  it('a code is worth nothing with another verifier, a second time, when changed, or after five minutes', async () => {
    const code = await codeFrom();
    expect((await redeem(code, randomBytes(32).toString('base64'))).status).toBe(401);
    expect((await redeem(`${code.slice(0, -4)}AAAA`)).status).toBe(401);
    expect((await redeem(code)).status).toBe(200);
    expect((await redeem(code)).status).toBe(401);
    const late = await codeFrom();
    stack().clock.advance(301 * seconds);
    expect((await redeem(late)).status).toBe(401);
  });

  it('a challenge other than S256, of another form, or without a target is a 400', async () => {
    const { code_challenge_method: _method, ...plain } = query;
    const { post_login_redirect_url: _target, ...nowhere } = query;
    for (const bad of [plain, nowhere, { ...query, code_challenge: 'short' }])
      expect((await createBrowser().ask(at(start(bad)))).status).toBe(400);
    expect((await createBrowser().ask(at('/.auth/login/aad/token'))).status).toBe(400);
  });
});

describe('§5.1 preserveUrlFragmentsForLogins [O]', () => {
  const keeping = useStack({
    config: {
      'login.preserveUrlFragmentsForLogins': true,
      'globalValidation.unauthenticatedClientAction': 'RedirectToLoginPage',
    },
  });
  const go = (answer: Answer, hash: string) => {
    let to = '';
    const replace = (url: string) => {
      to = url;
    };
    runScript(answer, { location: { hash, replace } });
    return to;
  };

  it('a page answers 200 with a script that keeps the fragment, and the sign-in ends at page and fragment', async () => {
    const url = keeping().gateway.url;
    const browser = createBrowser();
    const answer = await browser.ask(`${url}/page?a=1`);
    expect(answer.status).toBe(200);
    expect(keeping().lines.at(-1)).toContain('status=200.75');
    const { post, fields } = await providerForm(go(answer, '#/inbox?x=1&y'));
    const done = await browser.ask(post, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    });
    expect(done.headers.location).toBe(`${url}/page?a=1#/inbox?x=1&y`);
  });

  it('without a fragment the address is the one a redirect would have had', async () => {
    const answer = await createBrowser().ask(`${keeping().gateway.url}/.auth/login/aad`);
    const to = new URL(go(answer, ''));
    expect(to.origin).toBe(keeping().provider.url);
    expect(to.searchParams.get('state')).toBe(`redir=${encodeURIComponent('/.auth/login/done')}`);
  });

  it('a fragment cannot lead to another site', async () => {
    const browser = createBrowser();
    const answer = await browser.ask(`${keeping().gateway.url}/page`);
    const to = new URL(go(answer, '#&redir=https://evil.test/'));
    const redir = new URLSearchParams(to.searchParams.get('state') ?? '').get('redir');
    expect(redir).toBe('/page#&redir=https://evil.test/');
  });
});
