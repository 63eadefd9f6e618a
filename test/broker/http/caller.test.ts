import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { hostileText } from '../support/arbitraries.js';
import { type Answer, NIGHTLY, withBroker } from '../support/broker.js';
import { postJson, principalOf, type Session, signIn } from '../support/calls.js';
import { ORDERS } from '../support/samples.js';

const test = withBroker();
const ID_TOKEN = 'x-ms-token-aad-id-token';
let alice: Session;
let bob: Session;
beforeAll(async () => {
  [alice, bob] = await Promise.all([signIn(test, 'alice'), signIn(test, 'bob')]);
});

type Headers = Readonly<Record<string, string>>;
const list = (headers: Headers) => test.call('listConnections', { headers });

function without(...names: readonly string[]): Headers {
  return Object.fromEntries(Object.entries(alice.headers).filter(([name]) => !names.includes(name)));
}

/** RFC 9457, and not a word on which part was wrong. */
function expectUnauthenticated(answer: Answer): void {
  expect(answer.status).toBe(401);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.body).toMatchObject({
    type: 'urn:token-broker:problem:unauthenticated',
    status: 401,
    code: 'unauthenticated',
    detail: 'the caller is not signed in',
  });
}

describe('a user is whom platform headers and a verified ID token name together', () => {
  it('and then is served', async () => {
    const answer = await list(alice.headers);
    expect(answer).toMatchObject({ status: 200, body: { connections: [] } });
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('the display name is not needed: an app or a user without one has none', async () => {
    expect((await list(without('x-ms-client-principal-name'))).status).toBe(200);
  });

  it('an ID token that has expired within the session is good', async () => {
    const late = await test.entra.idToken('alice', test.time.now - 7 * 3_600_000);
    expect((await list({ ...alice.headers, [ID_TOKEN]: late })).status).toBe(200);
  });
});

describe('forged headers are 401, never a user and never a fault', () => {
  const principal = ['x-ms-client-principal', 'x-ms-client-principal-id', 'x-ms-client-principal-idp'];
  it.each(principal)('without %s', async (name) => {
    expectUnauthenticated(await list(without(name)));
  });

  it.each([...principal, 'x-ms-client-principal-name', ID_TOKEN, 'x-ms-token-aad-refresh-token'])(
    '%s alone',
    async (name) => {
      expectUnauthenticated(await list({ [name]: alice.headers[name] ?? '' }));
    },
  );

  it('all of them but the ID token', async () => {
    expectUnauthenticated(await list(without(ID_TOKEN)));
    expectUnauthenticated(await list({ ...alice.headers, [ID_TOKEN]: '' }));
    expectUnauthenticated(await list({ ...alice.headers, [ID_TOKEN]: 'x' }));
  });

  it("another user's id over one's own token, and one's own id over another user's token", async () => {
    expectUnauthenticated(await list({ ...alice.headers, 'x-ms-client-principal-id': 'bob' }));
    expectUnauthenticated(await list({ ...alice.headers, [ID_TOKEN]: bob.headers[ID_TOKEN] ?? '' }));
  });

  it.each(principal.concat(ID_TOKEN))('%s given twice', async (name) => {
    const value = alice.headers[name] ?? '';
    expectUnauthenticated(await list({ ...alice.headers, [name]: `${value}, ${value}` }));
    expectUnauthenticated(await list({ ...alice.headers, [name]: `${value},` }));
  });

  it.each([
    ['that is not Base64', '%%%'],
    ['that is not JSON', Buffer.from('{').toString('base64')],
    ['that is a list', Buffer.from('[]').toString('base64')],
    ['that is null', Buffer.from('null').toString('base64')],
    ['that is a text', Buffer.from('"alice"').toString('base64')],
    ['that is empty', Buffer.from('{}').toString('base64')],
    [
      'of Static Web Apps',
      Buffer.from(
        '{"identityProvider":"aad","userId":"alice","userDetails":"a","userRoles":["authenticated"]}',
      ).toString('base64'),
    ],
    ['of another provider', principalOf('alice', { auth_typ: 'google' })],
    ['without claims', principalOf('alice', { claims: undefined })],
    ['with claims that are none', principalOf('alice', { claims: 'x' })],
  ])('a principal %s', async (_, value) => {
    expectUnauthenticated(await list({ ...alice.headers, 'x-ms-client-principal': value }));
  });

  it.each(['google', '__proto__', 'aad\u00e9', '../aad', 'aad-id-token', ''])(
    'the provider %j',
    async (idp) => {
      expectUnauthenticated(await list({ ...alice.headers, 'x-ms-client-principal-idp': idp }));
    },
  );

  it('an access token or an app token in place of the ID token', async () => {
    const { entra, time } = test;
    const tokens = await Promise.all([
      entra.idToken('alice', time.now, { scp: 'user_impersonation' }),
      entra.appToken(NIGHTLY.appId, time.now, { oid: 'alice', aud: '22222222-2222-4222-8222-222222222222' }),
      entra.idToken('alice', time.now, { tid: '99999999-1111-4111-8111-111111111111' }),
      entra.idToken('alice', time.now - 10 * 3_600_000),
      entra.idToken('alice', time.now + 3_600_000),
    ]);
    for (const token of tokens) expectUnauthenticated(await list({ ...alice.headers, [ID_TOKEN]: token }));
  });

  it('whatever they hold', async () => {
    const name = fc.constantFrom(...principal, 'x-ms-client-principal-name', ID_TOKEN, 'authorization');
    const value = hostileText.map((text) => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '').trim());
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value, { minKeys: 1, maxKeys: 6 }), async (forged) => {
        expectUnauthenticated(await list({ ...without(...principal, ID_TOKEN), ...forged }));
        const mixed = await list({ ...alice.headers, ...forged });
        if (mixed.status !== 401) expect(mixed.status).toBe(200);
      }),
      { numRuns: 80 },
    );
  });

  it('a bearer token does not mend them: an app is never taken for the user they name', async () => {
    const authorization = `Bearer ${await test.entra.appToken(NIGHTLY.appId, test.time.now)}`;
    const answer = await list({ ...without(ID_TOKEN), authorization });
    expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const broken = { ...without(ID_TOKEN), authorization, 'x-ms-client-principal': '%%%' };
    expectUnauthenticated(await list(broken));
  });

  it('nor does a user access token', async () => {
    const token = await test.entra.appToken(NIGHTLY.appId, test.time.now, {
      scp: 'x',
      oid: 'alice',
      idtyp: 'user',
    });
    expectUnauthenticated(await list({ authorization: `Bearer ${token}` }));
  });
});

describe('another site cannot make a browser change anything (E3)', () => {
  const grant = { client_id: NIGHTLY.id, resource: ORDERS, scope: 'orders.read' };
  const changes: [string, (headers: Headers) => Promise<Answer>][] = [
    [
      'POST /connections',
      (more) => test.call('connect', { method: 'POST', headers: { ...alice.headers, ...more } }),
    ],
    [
      'DELETE /connections/aad',
      (more) =>
        test.call('endConnection', {
          method: 'DELETE',
          headers: { ...alice.headers, ...more },
          params: { provider: 'aad' },
        }),
    ],
    ['POST /grants', (more) => test.call('createGrant', postJson(alice, grant, more))],
    [
      'DELETE /grants/x',
      (more) =>
        test.call('endGrant', {
          method: 'DELETE',
          headers: { ...alice.headers, ...more },
          params: { grant_id: 'x' },
        }),
    ],
  ];

  it.each(changes)('%s is 403 for what a foreign page sends', async (_, send) => {
    const foreign: Headers[] = [
      { origin: 'https://evil.test' },
      { origin: 'null' },
      { origin: 'http://localhost:8081' },
      { origin: 'http://localhost:8080.evil.test' },
      { origin: 'https://localhost:8080' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'Cross-Site', origin: 'http://localhost:8080' },
      { 'sec-fetch-site': 'same-origin', origin: 'https://evil.test' },
      { 'sec-fetch-site': 'nonsense' },
    ];
    for (const headers of foreign) {
      expect(await send(headers)).toMatchObject({ status: 403, body: { code: 'cross_site_request' } });
    }
  });

  it.each(changes)('%s goes on for its own pages and for what is no browser', async (_, send) => {
    const own: Headers[] = [
      {},
      { origin: 'http://localhost:8080' },
      { 'sec-fetch-site': 'same-origin', origin: 'http://localhost:8080' },
      { 'sec-fetch-site': 'none' },
    ];
    for (const headers of own) expect((await send(headers)).status).not.toBe(403);
  });

  it('a refused request has changed nothing', async () => {
    const carol = await signIn(test, 'carol');
    await test.call('createGrant', postJson(carol, grant, { origin: 'https://evil.test' }));
    expect((await list(carol.headers)).body).toEqual({ connections: [] });
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', ''])(
    'a form can only send %j, and POST /grants takes JSON alone',
    async (type) => {
      const asked = postJson(alice, grant, { 'content-type': type });
      expect(await test.call('createGrant', asked)).toMatchObject({
        status: 415,
        body: { code: 'unsupported_media_type' },
      });
    },
  );
});
