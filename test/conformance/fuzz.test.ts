import { request } from 'node:http';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { CANARY, type Mutant, mutants, type Pairs } from '../broker/support/mutations.js';
import { basic } from '../support/signed_in.js';
import { CALLBACK } from './stack.js';
import { allow, exchange, refresh, report, stack, token, userTokens } from './support.js';

interface Heard {
  readonly status: number;
  readonly type: string;
  readonly location: string | undefined;
  readonly text: string;
}

/** By plain sockets, since `fetch` would tidy up what is sent. */
function send(method: string, path: string, { body, headers }: Mutant): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body, 'utf8');
    const outgoing = request(`${stack.gateway}${path}`, {
      method,
      headers: { ...headers, ...(method === 'GET' ? {} : { 'content-length': bytes.length }) },
    });
    outgoing.on('error', reject);
    outgoing.on('response', async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      resolve({
        status: answer.statusCode ?? 0,
        type: answer.headers['content-type'] ?? '',
        location: answer.headers.location,
        text: `${answer.rawHeaders.join('\n')}\n\n${Buffer.concat(chunks).toString('utf8')}`,
      });
    });
    outgoing.end(method === 'GET' ? undefined : bytes);
  });
}

let bases: readonly Pairs[];
let shown: readonly Pairs[];
beforeAll(async () => {
  const grant = await allow('alice@contoso.test', 'nightly-report');
  const { body } = await token(refresh(grant));
  const { access_token: own } = await userTokens('alice@contoso.test');
  bases = [
    Object.entries(refresh(grant, { scope: 'orders.read', min_ttl: '60' })),
    Object.entries(exchange(grant, 'refresh_token')),
    Object.entries(exchange(own, 'access_token')),
    Object.entries(exchange(body.access_token, 'access_token')),
    Object.entries({
      grant_type: 'authorization_code',
      code: `020000.${'x'.repeat(43)}`,
      code_verifier: 'v'.repeat(43),
      redirect_uri: CALLBACK,
    }),
  ];
  shown = [
    [['token', grant]],
    [
      ['token', body.access_token],
      ['token_type_hint', 'access_token'],
    ],
  ];
});

const authorized = ({ body, headers }: Mutant): Mutant => ({
  body,
  headers: { authorization: basic(report), ...headers },
});

function expectOAuth({ status, type, text }: Heard, silent = false): void {
  expect(status).toBeLessThan(500);
  expect(text).not.toContain(CANARY);
  if (status === 200 && silent) return;
  expect(type).toBe('application/json');
  const body = JSON.parse(text.slice(text.indexOf('\n\n') + 2));
  if (status !== 200) expect(body).toMatchObject({ error: expect.stringMatching(/^[a-z_]+$/) });
}

it('RFC 6749 §5.2 over HTTP: whatever is sent to /token is answered as OAuth, never a 5xx, and not repeated', async () => {
  await fc.assert(
    fc.asyncProperty(mutants(bases), async (mutant) =>
      expectOAuth(await send('POST', '/token', authorized(mutant))),
    ),
    { numRuns: 150 },
  );
});

it.each(['/revoke', '/introspect'])('RFC 7009 §2.2.1, RFC 7662 §2.3 over HTTP: likewise %s', async (path) => {
  await fc.assert(
    fc.asyncProperty(mutants(shown), async (mutant) =>
      expectOAuth(await send('POST', path, authorized(mutant)), path === '/revoke'),
    ),
    { numRuns: 40 },
  );
});

it('RFC 6749 §4.1.2.1 over HTTP: /authorize shows a page or sends to where it may', async () => {
  const asked: Pairs = [
    ['response_type', 'code'],
    ['client_id', report.client_id],
    ['redirect_uri', CALLBACK],
    ['resource', 'api://orders'],
    ['state', 's'],
    ['code_challenge', 'a'.repeat(43)],
    ['code_challenge_method', 'S256'],
  ];
  await fc.assert(
    fc.asyncProperty(mutants([asked]), async (mutant) => {
      // What Node lets through in a request line.
      const wellFormed = Buffer.from(mutant.body, 'utf8').toString('utf8');
      const query = wellFormed.replace(/[^\x21-\x7e]/gu, encodeURIComponent).slice(0, 7000);
      const { status, location, text } = await send('GET', `/authorize?${query}`, mutant);
      expect(status).toBeLessThan(500);
      const home =
        location === undefined || location.startsWith('/.auth/login/') || location.startsWith(`${CALLBACK}?`);
      expect(home).toBe(true);
      expect(text).not.toContain(`<${CANARY}`);
    }),
    { numRuns: 60 },
  );
});
