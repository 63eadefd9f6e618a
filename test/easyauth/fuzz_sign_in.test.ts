import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redirectTarget } from '../../easyauth/http/redirect_target.js';
import { scriptLiteral } from '../../easyauth/http/script_page.js';
import { createBrowser } from './support/browser.js';
import { type SocialStack, social, startSocialStack } from './support/social_stack.js';

let stack: SocialStack;
beforeAll(async () => {
  stack = await startSocialStack();
});
afterAll(() => stack.close());

const word = fc.string({ unit: 'binary', maxLength: 80 });
const evil = fc.constantFrom(
  'https://evil.test',
  '//evil.test',
  'javascript:alert(1)',
  'redir=https%3A%2F%2Fevil.test&nonce=x',
  'https://evil.test#',
  'null',
  '*',
  '\u0000',
  '%00',
  '{"a":1}',
);
const value = fc.oneof(word, evil);
const dictionary = (...names: string[]) => fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 });
const provider = fc.constantFrom(...social, 'x', 'aad', 'nobody', '..', '%2e%2e');
const headerSafe = (text: string) => text.replace(/[^\x20-\x7e]/g, '');

/** What may never happen, whatever is asked. */
function check(status: number, location: unknown, setCookies: readonly string[]): void {
  expect(status).toBeLessThan(500);
  if (location !== undefined) {
    const { origin } = new URL(String(location));
    expect([stack.gateway.url, stack.idp.url]).toContain(origin);
  }
  expect(setCookies.filter((line) => /^AppServiceAuthSession=[^d]/.test(line))).toEqual([]);
}

describe('§5.1 §5.2 §5.3 §5.4 never, over random sign-ins: [D/I]', () => {
  it('a callback with invented parameters signs somebody in, leads away or fails inside', async () => {
    const names = [
      'code',
      'state',
      'error',
      'iss',
      'id_token',
      'oauth_token',
      'oauth_verifier',
      'denied',
      'user',
    ];
    const attempt = fc.record({
      provider: fc.constantFrom(...social),
      parameters: dictionary(...names),
      posted: fc.boolean(),
      begun: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(attempt, async ({ provider: alias, parameters, posted, begun }) => {
        const browser = createBrowser();
        const base = `${stack.gateway.url}/.auth/login/${alias}`;
        const start = begun ? await browser.ask(`${base}?session_mode=token`) : undefined;
        const state = start && new URL(String(start.headers.location)).searchParams.get('state');
        const query = new URLSearchParams({ ...(state ? { state } : {}), ...parameters }).toString();
        const headers = { 'content-type': 'application/x-www-form-urlencoded' };
        const answer = posted
          ? await browser.ask(`${base}/callback`, { method: 'POST', headers, body: query })
          : await browser.ask(`${base}/callback?${query}`);
        check(answer.status, answer.headers.location, answer.setCookies);
        expect(String(answer.headers.location)).not.toContain('#token=');
      }),
      { numRuns: 250 },
    );
  });

  it('a login request with invented parameters leads away from here and the provider, or fails inside', async () => {
    const names = [
      'post_login_redirect_uri',
      'session_mode',
      'code_challenge',
      'code_challenge_method',
      'completion_type',
      'completion_origin',
      'scope',
      'login_hint',
    ];
    await fc.assert(
      fc.asyncProperty(provider, dictionary(...names), async (alias, parameters) => {
        const query = new URLSearchParams(parameters);
        const answer = await createBrowser().ask(`${stack.gateway.url}/.auth/login/${alias}?${query}`);
        check(answer.status, answer.headers.location, answer.setCookies);
      }),
      { numRuns: 200 },
    );
  });

  it('a posted body signs somebody in or fails inside', async () => {
    const names = [
      'access_token',
      'id_token',
      'access_token_secret',
      'authorization_code',
      'redirect_uri',
      'expires_in',
    ];
    const body = fc.oneof(
      fc.json(),
      fc.string(),
      dictionary(...names).map((object) => JSON.stringify(object)),
      fc
        .dictionary(fc.constantFrom(...names), fc.constantFrom('a.b.c', 'eyJhbGciOiJub25lIn0.e30.', 'EAAx'))
        .map((object) => JSON.stringify(object)),
    );
    await fc.assert(
      fc.asyncProperty(provider, body, async (alias, text) => {
        const answer = await createBrowser().ask(`${stack.gateway.url}/.auth/login/${alias}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: text,
        });
        check(answer.status, answer.headers.location, answer.setCookies);
        expect(answer.status).not.toBe(200);
      }),
      { numRuns: 250 },
    );
  });

  it('a session token, a native code or a relay origin that was invented lets anybody in or fails inside', async () => {
    const jwtish = fc
      .tuple(fc.json(), fc.json(), fc.base64String({ maxLength: 40 }))
      .map(([head, body, tail]) =>
        [head, body]
          .map((part) => Buffer.from(part).toString('base64url'))
          .join('.')
          .concat('.', tail),
      );
    const paths = fc.constantFrom('/.auth/me', '/.auth/refresh', '/.auth/logout', '/api');
    await fc.assert(
      fc.asyncProperty(paths, fc.oneof(jwtish, value.map(headerSafe)), value, async (path, token, text) => {
        const browser = createBrowser();
        const zumo = await browser.ask(`${stack.gateway.url}${path}`, { headers: { 'x-zumo-auth': token } });
        check(zumo.status, zumo.headers.location, zumo.setCookies);
        expect(zumo.status).not.toBe(200);
        const query = new URLSearchParams({ authorization_code: text, code_verifier: text });
        const native = await browser.ask(`${stack.gateway.url}/.auth/login/google/token?${query}`);
        expect([400, 401]).toContain(native.status);
        const origin = new URLSearchParams({ completion_origin: text });
        const relay = await browser.ask(`${stack.gateway.url}/.auth/login/iframereceiver?${origin}`);
        expect(relay.status).toBe(400);
      }),
      { numRuns: 150 },
    );
  });

  it('data of a page leaves its script', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('</script>', '<!--', '\u2028', ']]>'), (data, tail) => {
        const literal = scriptLiteral({ data, tail });
        return (
          !/[<>\u2028\u2029]/.test(literal) &&
          JSON.stringify(JSON.parse(literal)) === JSON.stringify({ data, tail })
        );
      }),
    );
  });

  it('a target with a fragment leads to another site', () => {
    const origin = 'https://app.test';
    fc.assert(
      fc.property(value, (fragment) => {
        const target = redirectTarget(`/page#${fragment}`, { origin, allowed: [] });
        return target === undefined || new URL(target).origin === origin;
      }),
    );
  });
});
