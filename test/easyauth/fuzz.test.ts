import { request as httpRequest } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlatformHeader } from '../../easyauth/http/forward_headers.js';
import { createExclusions } from '../../easyauth/http/paths.js';
import { redirectTarget } from '../../easyauth/http/redirect_target.js';
import { decodeSession } from '../../easyauth/session/session.js';
import { useStack } from './support/stack.js';

const stack = useStack();

interface Outcome {
  status: number;
  location: string | undefined;
}

function ask(path: string, headers: Record<string, string>, form?: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      host: '127.0.0.1',
      port: stack().gateway.port,
      path,
      method: form === undefined ? 'GET' : 'POST',
      headers: {
        host: `localhost:${stack().gateway.port}`,
        ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
    });
    outgoing.on('response', (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode ?? 0, location: answer.headers.location });
    });
    outgoing.on('error', reject);
    outgoing.end(form);
  });
}

const headerValue = fc
  .string({ unit: 'binary-ascii', maxLength: 200 })
  .map((text) => text.replace(/[^\x20-\x7e]/g, ''));
const nastyUrl = fc.oneof(
  fc.webUrl(),
  fc.string({ maxLength: 60 }),
  fc
    .tuple(
      fc.constantFrom(
        '/',
        '//',
        '/\\',
        '\\\\',
        'https:',
        'https:/',
        'javascript:',
        '/%2f',
        '/.',
        '/..//',
        '\t//',
        ' ',
      ),
      fc.constantFrom(
        'evil.test',
        '@evil.test',
        '/evil.test',
        'localhost@evil.test',
        '%2fevil.test',
        '\\evil.test',
      ),
    )
    .map((parts) => parts.join('')),
);

function leadsHome(location: string | undefined): boolean {
  if (location === undefined) return true;
  const { origin } = new URL(location);
  return origin === stack().gateway.url || origin === stack().provider.url;
}

describe('§5.2 §2.5 §7.4 never, over random headers, cookies, states and targets: [D/I]', () => {
  it('a redirect target leads to another site', () => {
    const origin = 'https://app.test';
    fc.assert(
      fc.property(nastyUrl, (candidate) => {
        const target = redirectTarget(candidate, { origin, allowed: [] });
        return target === undefined || new URL(target, 'https://elsewhere.test').origin === origin;
      }),
      { numRuns: 5_000 },
    );
  });

  it('a sign-in, sign-out or callback leads to another site or fails inside', async () => {
    const routes = [
      (url: string) => `/.auth/login/aad?post_login_redirect_uri=${encodeURIComponent(url)}`,
      (url: string) => `/.auth/logout?post_logout_redirect_uri=${encodeURIComponent(url)}`,
      (url: string) =>
        `/.auth/login/aad/callback?state=${encodeURIComponent(`redir=${encodeURIComponent(url)}`)}`,
    ];
    await fc.assert(
      fc.asyncProperty(nastyUrl, fc.constantFrom(...routes), async (url, route) => {
        const { status, location } = await ask(route(url), {});
        expect(status).toBeLessThan(500);
        expect(leadsHome(location)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('a cookie, a header or a posted form causes a 5xx or lets anybody in', async () => {
    const names = fc.constantFrom(
      'AppServiceAuthSession',
      'AppServiceAuthSession1',
      'Nonce',
      'RedirectCount',
    );
    const cookies = fc.array(fc.tuple(names, headerValue), { maxLength: 4 });
    const requests = fc.record({
      path: fc.constantFrom(
        '/api',
        '/.auth/me',
        '/.auth/refresh',
        '/.auth/logout',
        '/.auth/login/aad/callback',
      ),
      cookie: cookies.map((pairs) => pairs.map((pair) => pair.join('=')).join('; ')),
      authorization: fc.oneof(
        headerValue,
        headerValue.map((value) => `Bearer ${value}`),
      ),
      form: fc.option(fc.dictionary(fc.constantFrom('code', 'id_token', 'state', 'error'), fc.string()), {
        nil: undefined,
      }),
      other: headerValue,
    });
    await fc.assert(
      fc.asyncProperty(requests, async ({ path, cookie, authorization, form, other }) => {
        const headers = { cookie, authorization, origin: other, referer: other, 'x-zumo-auth': other };
        const body = form === undefined ? undefined : new URLSearchParams(form).toString();
        const { status, location } = await ask(path, headers, body);
        expect(status).toBeLessThan(500);
        expect(leadsHome(location)).toBe(true);
        if (path === '/api' || path === '/.auth/me') expect(status).not.toBe(200);
      }),
      { numRuns: 400 },
    );
  });

  it('a path other than the excluded ones is excluded, however it is written', () => {
    const isExcluded = createExclusions(['/public/*', '/health']);
    const pieces = fc.constantFrom(
      '/',
      '//',
      '..',
      '.',
      '%2e',
      '%2E%2e',
      '%2f',
      '%5c',
      '\\',
      ';',
      'public',
      'api',
      '%00',
      '%',
      '%252e',
      'a',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const path = `/public/${parts.join('')}`;
        if (!isExcluded(path)) return true;
        let reading = path;
        for (let round = 0; round < 3; round += 1) reading = decodeURIComponent(reading);
        return new URL(reading.replaceAll('\\', '/'), 'http://x').pathname.startsWith('/public/');
      }),
      { numRuns: 5_000 },
    );
  });

  it('a spelling of a platform header slips through', () => {
    const separators = fc.constantFrom('-', '_', '.', '~', '!');
    const parts = fc.constantFrom(
      'x ms client principal',
      'x ms client principal id',
      'x ms token aad access token',
    );
    fc.assert(
      fc.property(parts, fc.infiniteStream(separators), (name, stream) => {
        const spelled = name.replaceAll(' ', () => stream.next().value ?? '-');
        return isPlatformHeader(spelled);
      }),
    );
  });

  it('a session text that is none opens as a session', () => {
    fc.assert(fc.property(fc.json(), (json) => decodeSession(`{"v":1,"x":${json}}`) === undefined));
  });
});
