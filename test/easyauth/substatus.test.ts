import { describe, expect, it } from 'vitest';
import { substatus } from '../../easyauth/errors.js';
import { type Browser, browserAgent, createBrowser } from './support/browser.js';
import { hours } from './support/clock.js';
import { clientId, tid } from './support/scripted_provider.js';
import { type Stack, useStack } from './support/stack.js';

const ordinary = useStack();
const strict = useStack({
  config: {
    'identityProviders.azureActiveDirectory.validation.jwtClaimChecks.allowedGroups': ['staff'],
    'login.preserveUrlFragmentsForLogins': true,
  },
});

interface Act {
  readonly stack: Stack;
  readonly url: string;
  readonly browser: Browser;
}

const signIn = ({ url, browser }: Act) => browser.signIn(`${url}/.auth/login/aad`);
const refresh = ({ url, browser }: Act) => browser.ask(`${url}/.auth/refresh`);
const bearer = async ({ url, browser }: Act, token: string) =>
  browser.ask(`${url}/api`, { headers: { authorization: `Bearer ${token}` } });

/** What brings each code about, and the line it leaves. */
const codes: [keyof typeof substatus, RegExp, (act: Act) => Promise<unknown>, (() => Stack)?][] = [
  [
    'crossSiteRequestForgery',
    /403\.60/,
    async (act) => {
      await signIn(act);
      const headers = { origin: 'https://evil.test', 'user-agent': browserAgent };
      await act.browser.ask(`${act.url}/api`, { method: 'POST', headers });
    },
  ],
  [
    'sessionTimeout',
    /401\.70/,
    async (act) => {
      await signIn(act);
      act.stack.clock.advance(9 * hours);
      await act.browser.ask(`${act.url}/api`);
    },
  ],
  ['unauthenticated', /401\.71/, ({ url, browser }) => browser.ask(`${url}/api`)],
  [
    'loggedOut',
    /302\.72/,
    async (act) => {
      await signIn(act);
      await act.browser.ask(`${act.url}/.auth/logout`);
    },
  ],
  [
    'loginProtocolError',
    /401\.73/,
    ({ url, browser }) => browser.ask(`${url}/.auth/login/aad/callback?error=access_denied`),
  ],
  [
    'configurationError',
    /500\.74/,
    async (act) => {
      act.stack.provider.script.tokenFault = { status: 401, body: { error: 'invalid_client' } };
      await signIn(act);
      act.stack.provider.script.tokenFault = undefined;
    },
  ],
  ['fragmentDataRequired', /200\.75/, ({ url, browser }) => browser.ask(`${url}/.auth/login/aad`), strict],
  [
    'authorizationCheckFailed',
    /403\.76/,
    async (act) => {
      const token = await act.stack.provider.sign({
        aud: clientId,
        sub: 's',
        oid: 'o',
        tid,
        groups: ['guests'],
      });
      await bearer(act, token);
    },
    strict,
  ],
  [
    'providerTokenAccepted',
    /substatus=77/,
    async ({ stack, url, browser }) => {
      const access_token = await stack.provider.sign({ aud: clientId, sub: 's', oid: 'o', tid });
      const body = JSON.stringify({ access_token });
      const headers = { 'content-type': 'application/json' };
      await browser.ask(`${url}/.auth/login/aad`, { method: 'POST', headers, body });
    },
  ],
  [
    'infiniteRedirectLoop',
    /400\.78/,
    async ({ stack, url, browser }) => {
      browser.jar.set('RedirectCount', '4');
      const advance = stack.provider.script;
      advance.tamper = (claims) => {
        stack.clock.advance(6 * 60_000);
        return { ...claims, exp: Math.floor(stack.clock.now() / 1000) + 3600 };
      };
      await browser.signIn(`${url}/.auth/login/aad`);
      advance.tamper = undefined;
    },
  ],
  [
    'internalModuleFailure',
    /502\.79/,
    async (act) => {
      act.stack.provider.script.tokenFault = { status: 503 };
      await signIn(act);
      act.stack.provider.script.tokenFault = undefined;
    },
  ],
  [
    'refreshTokenUnavailable',
    /403\.80/,
    async (act) => {
      await signIn(act);
      const copy = createBrowser(new Map(act.browser.jar));
      await act.browser.ask(`${act.url}/.auth/logout`);
      await refresh({ ...act, browser: copy });
    },
  ],
  [
    'refreshTokenInvalid',
    /403\.81/,
    async (act) => {
      await signIn(act);
      act.stack.provider.script.tokenFault = { status: 400, body: { error: 'invalid_grant' } };
      await refresh(act);
      act.stack.provider.script.tokenFault = undefined;
    },
  ],
  ['invalidToken', /401\.83/, (act) => bearer(act, 'no.token.here')],
];

describe('§7.6 substatus codes in the log [M/I]', () => {
  it.each(codes)('%s is told as %s', async (_name, line, act, where = ordinary) => {
    const stack = where();
    const from = stack.lines.length;
    await act({ stack, url: stack.gateway.url, browser: createBrowser() });
    expect(stack.lines.slice(from).filter((each) => line.test(each))).toHaveLength(1);
  });

  it('every code has a case here, but the one that needs another provider (82)', () => {
    const told = codes.map(([name]) => name);
    expect(Object.keys(substatus).filter((name) => !told.some((each) => each === name))).toEqual([
      'refreshTokenNotSupported',
    ]);
  });
});
