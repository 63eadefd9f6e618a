import { generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { subjectOf, verifyAppToken, verifyIdToken } from '../../../shared/adapters/jose/provider_tokens.js';
import {
  BROKER_APP,
  type Claims,
  createIssuer,
  forge,
  ISSUER,
  newKey,
  publicPem,
  type SigningKey,
  sign,
  TENANT,
} from '../support/issuer.js';
import { refusalOf } from '../support/refusals.js';

const NOW = Date.UTC(2026, 10, 23, 12);
const SECONDS = NOW / 1000;
const SESSION = 8 * 3600;
const ORIGIN = new URL(ISSUER).origin;
let key: SigningKey;
let other: SigningKey;
beforeAll(async () => {
  [key, other] = await Promise.all([newKey('k1'), newKey('k2')]);
});

const idClaims = (more: Claims = {}): Claims => ({
  iss: ISSUER,
  aud: BROKER_APP,
  sub: 'pairwise',
  tid: TENANT,
  oid: 'alice',
  name: 'Alice',
  roles: ['Audit.Read', 5],
  iat: SECONDS - 10,
  nbf: SECONDS - 10,
  exp: SECONDS + 3600,
  ...more,
});
const appClaims = (more: Claims = {}): Claims => ({
  iss: ISSUER,
  aud: 'api://token-broker',
  sub: 'service-principal',
  oid: 'service-principal',
  tid: TENANT,
  azp: 'APP-ID',
  idtyp: 'app',
  roles: ['Audit.Read'],
  iat: SECONDS - 10,
  exp: SECONDS + 3600,
  ...more,
});

function setUp(now = NOW) {
  const time = { now };
  const clock = () => time.now;
  const issuer = createIssuer(clock, key);
  const deps = { providers: new Map([['aad', issuer.provider]]), clock };
  return {
    time,
    issuer,
    deps,
    idToken: (token: string, lateSeconds = SESSION) => verifyIdToken(deps, 'aad', { token, lateSeconds }),
    appToken: (token: string) => verifyAppToken(deps, token),
  };
}

async function refused(work: Promise<unknown>): Promise<void> {
  const refusal = await refusalOf(() => work);
  expect(refusal.code).toBe('unauthenticated');
  expect(refusal.description).toBe('the caller is not signed in');
}

/** The forgeries that no check of claims can catch: each is made over claims that are all in order. */
const forgeries: readonly [string, (claims: Claims) => Promise<string> | string][] = [
  ['no signature and alg none', (claims) => forge({ alg: 'none', typ: 'JWT' }, claims)],
  ['alg none in capitals', (claims) => forge({ alg: 'NONE', kid: 'k1' }, claims)],
  [
    'HS256 under the public key as secret',
    (claims) => forge({ alg: 'HS256', kid: 'k1' }, claims, publicPem(key)),
  ],
  [
    'HS256 under the key set as secret',
    (claims) => forge({ alg: 'HS256', kid: 'k1' }, claims, JSON.stringify(key.publicJwk)),
  ],
  ['RS256 in name over an HMAC', (claims) => forge({ alg: 'RS256', kid: 'k1' }, claims, publicPem(key))],
  ['another key under a known kid', (claims) => sign({ ...other, kid: 'k1' }, claims)],
  ['another key under its own kid', (claims) => sign(other, claims)],
  [
    'another key, embedded as jwk',
    (claims) => sign({ ...other, kid: 'k1' }, claims, { jwk: other.publicJwk }),
  ],
  ['another key, named by jku', (claims) => sign(other, claims, { jku: 'https://evil.test/keys' })],
  ['another key, named by x5u', (claims) => sign(other, claims, { x5u: 'https://evil.test/cert' })],
  ['a kid that is a path', (claims) => sign({ ...other, kid: '../../dev/null' }, claims)],
  ['a kid that is a query', (claims) => sign({ ...other, kid: "k1' or '1'='1" }, claims)],
  ['a kid by an inherited name', (claims) => sign({ ...other, kid: '__proto__' }, claims)],
  ['an algorithm Entra does not use', (claims) => sign(key, claims, { alg: 'PS256' })],
  [
    'a critical header nobody knows',
    (claims) => forge({ alg: 'RS256', kid: 'k1', crit: ['x'], x: 1 }, claims, 'x'),
  ],
  [
    'an ES256 signature',
    async (claims) => {
      const pair = await generateKeyPair('ES256');
      return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(pair.privateKey);
    },
  ],
  ['its signature cut off', async (claims) => (await sign(key, claims)).replace(/[^.]+$/, '')],
  [
    'its claims changed after signing',
    async (claims) => {
      const [header, , signature] = (await sign(key, claims)).split('.');
      const changed = Buffer.from(JSON.stringify({ ...claims, oid: 'mallory' })).toString('base64url');
      return `${header}.${changed}.${signature}`;
    },
  ],
  ['more than 16 KiB', async (claims) => sign(key, { ...claims, padding: 'x'.repeat(17_000) })],
];

const noTokens = ['', 'x', 'a.b.c', '...', 'a.b.c.d.e', '\u0000', `${'e30.'.repeat(2)}x`];

describe('an ID token', () => {
  it('names its user, with the roles that are texts', async () => {
    expect(await setUp().idToken(await sign(key, idClaims()))).toEqual({
      subject: { provider: 'aad', tenant: TENANT, id: 'alice' },
      roles: ['Audit.Read'],
      membership: { roles: ['Audit.Read'] },
      name: 'Alice',
    });
  });

  it.each(forgeries)('with %s is refused', async (_, make) => {
    await refused(setUp().idToken(await make(idClaims())));
  });

  it.each(noTokens)('%j is refused', async (text) => {
    await refused(setUp().idToken(text));
  });

  it.each<[string, Claims]>([
    ['another issuer', { iss: `${ORIGIN}/22222222-0000-4000-8000-000000000000/v2.0` }],
    ['the template issuer', { iss: `${ORIGIN}/{tenantid}/v2.0` }],
    ['the issuer with a slash', { iss: `${ISSUER}/` }],
    ['no issuer', { iss: undefined }],
    ['another audience', { aud: '99999999-2222-4222-8222-222222222222' }],
    ['the app id URI as audience', { aud: 'api://token-broker' }],
    ['no audience', { aud: undefined }],
    ['another tenant under our issuer', { tid: '22222222-0000-4000-8000-000000000000' }],
    ['no tenant', { tid: undefined }],
    ['no object id', { oid: undefined }],
    ['an object id that is no text', { oid: ['alice'] }],
    ['no expiry', { exp: undefined }],
    ['no issue time', { iat: undefined }],
    ['an issue time in the future', { iat: SECONDS + 61 }],
    ['a start in the future', { nbf: SECONDS + 61 }],
    [
      'an issue time in the future and an expiry after it',
      { iat: SECONDS + 7200, nbf: SECONDS + 7200, exp: SECONDS + 9000 },
    ],
    ['the scopes of an access token', { scp: 'user_impersonation' }],
    ['the mark of an app token', { idtyp: 'app', sub: 'alice' }],
    ['a holder, as an access token has it', { azp: BROKER_APP }],
    ['a holder, as an old access token has it', { appid: BROKER_APP }],
  ])('with %s is refused', async (_, change) => {
    await refused(setUp().idToken(await sign(key, idClaims(change))));
  });

  it('may have expired while the session lives, and not a minute longer', async () => {
    const token = await sign(key, idClaims({ exp: SECONDS - SESSION }));
    await setUp().idToken(token);
    await refused(setUp(NOW + 61_000).idToken(token));
    await refused(setUp(NOW).idToken(token, SESSION - 61));
  });

  it('of a provider that is not configured is refused', async () => {
    const { deps } = setUp();
    const token = await sign(key, idClaims());
    for (const name of ['google', '__proto__', '']) {
      await refused(verifyIdToken(deps, name, { token, lateSeconds: 0 }));
    }
  });
});

describe('an app token', () => {
  it.each<[string, Claims]>([
    ['of version 2', {}],
    ['of version 1', { iss: `${ORIGIN}/${TENANT}/`, azp: undefined, appid: 'APP-ID', ver: '1.0' }],
    ['for the app id itself', { aud: BROKER_APP }],
    ['without idtyp', { idtyp: undefined }],
  ])('%s names its app', async (_, change) => {
    const claims = await setUp().appToken(await sign(key, appClaims(change)));
    expect(claims).toMatchObject({ appId: 'APP-ID', tenant: TENANT, roles: ['Audit.Read'] });
  });

  it.each(forgeries)('with %s is refused', async (_, make) => {
    await refused(setUp().appToken(await make(appClaims())));
  });

  it.each<[string, Claims]>([
    ["a user's access token", { scp: 'user_impersonation', sub: 'pairwise', oid: 'alice', idtyp: undefined }],
    ["a user's access token that says so", { scp: 'user_impersonation', sub: 'pairwise', idtyp: 'user' }],
    ["a user's access token without scopes", { sub: 'pairwise', oid: 'alice', idtyp: undefined }],
    ['an ID token', idClaims({ azp: undefined, idtyp: undefined })],
    [
      'an ID token with a nonce and the same sub and oid',
      idClaims({ nonce: 'n', sub: 'alice', idtyp: undefined }),
    ],
    ['a token for another audience', { aud: 'https://graph.microsoft.test' }],
    ['a token for an audience that begins like ours', { aud: 'api://token-broker/other' }],
    ['a token of another tenant', { tid: '22222222-0000-4000-8000-000000000000' }],
    ['a token of another issuer', { iss: 'https://evil.test/' }],
    ['a token without its app', { azp: undefined }],
    ['an expired token', { exp: SECONDS - 61 }],
    ['a token from the future', { nbf: SECONDS + 61 }],
    ['a token without expiry', { exp: undefined }],
  ])('%s is refused as an app token', async (_, change) => {
    await refused(setUp().appToken(await sign(key, appClaims(change))));
  });

  it.each(noTokens)('%j is refused', async (text) => {
    await refused(setUp().appToken(text));
  });
});

describe('the keys of the provider', () => {
  it('are asked for once and then known', async () => {
    const { issuer, idToken } = setUp();
    for (let count = 0; count < 5; count++) await idToken(await sign(key, idClaims()));
    expect(issuer.asked.filter((path) => path === '/keys')).toHaveLength(1);
  });

  it('are asked for again for a kid that is new, and the token then opens', async () => {
    const { issuer, time, idToken } = setUp();
    await idToken(await sign(key, idClaims()));
    issuer.publish(key, other);
    time.now += 31_000;
    await idToken(await sign(other, idClaims()));
    expect(issuer.asked.filter((path) => path === '/keys')).toHaveLength(2);
  });

  it.each([
    ['of this issuer', ISSUER, true],
    ['of a template that this tenant fills', `${ORIGIN}/{tenantid}/v2.0`, true],
    ['of another tenant', `${ORIGIN}/99999999-9999-4999-8999-999999999999/v2.0`, false],
    ['of no issuer that is a text', 5, false],
  ])('%s, as the key set says with each key, prove tokens: %s → %s', async (_, signsFor, good) => {
    const { issuer, idToken } = setUp();
    const named = { ...key, publicJwk: { ...key.publicJwk, issuer: signsFor } };
    issuer.publish(named);
    const proven = sign(key, idClaims()).then(idToken);
    await (good ? proven : refused(proven));
  });

  it('a storm of a thousand unknown kids is one fetch a cooldown', async () => {
    const { issuer, time, idToken } = setUp();
    await idToken(await sign(key, idClaims()));
    time.now += 31_000;
    const header = (kid: string) => Buffer.from(JSON.stringify({ alg: 'RS256', kid })).toString('base64url');
    const [, claims] = (await sign(key, idClaims())).split('.');
    for (let round = 0; round < 10; round++) {
      const storm = Array.from({ length: 100 }, (_, at) =>
        idToken(`${header(`r${round}-${at}`)}.${claims}.AAAA`),
      );
      await Promise.all(storm.map(refused));
    }
    expect(issuer.asked.filter((path) => path === '/keys')).toHaveLength(2);
  });

  it('go on serving known kids while the provider is down, which is asked once a cooldown', async () => {
    const { issuer, time, idToken } = setUp();
    await idToken(await sign(key, idClaims()));
    issuer.breakDown();
    time.now += 2 * 3_600_000;
    const before = issuer.asked.length;
    for (let count = 0; count < 20; count++) await idToken(await sign(key, idClaims()));
    expect(issuer.asked.length - before).toBeLessThanOrEqual(2);
    await refused(idToken(await sign(other, idClaims())));
  });

  it('older than a day are used no longer: 503, not a wrong answer', async () => {
    const { issuer, time, idToken } = setUp();
    await idToken(await sign(key, idClaims()));
    issuer.breakDown();
    time.now += 25 * 3_600_000;
    const late = await sign(key, idClaims({ exp: SECONDS + 26 * 3600 }));
    expect((await refusalOf(() => idToken(late))).code).toBe('temporarily_unavailable');
  });

  it('that were never had are 503, so that nobody is told to sign in again for nothing', async () => {
    const { issuer, idToken, appToken } = setUp();
    issuer.breakDown();
    expect((await refusalOf(async () => idToken(await sign(key, idClaims())))).code).toBe(
      'temporarily_unavailable',
    );
    expect((await refusalOf(async () => appToken(await sign(key, appClaims())))).code).toBe(
      'temporarily_unavailable',
    );
  });
});

describe('the user named by a refreshed ID token', () => {
  it('is told without a signature, since it came over TLS from the provider itself', () => {
    const { deps } = setUp();
    expect(subjectOf(deps, 'aad', forge({ alg: 'none' }, idClaims()))).toEqual({
      provider: 'aad',
      tenant: TENANT,
      id: 'alice',
    });
  });

  it.each<[string, Claims]>([
    ['another issuer', { iss: 'https://evil.test' }],
    ['another audience', { aud: 'other' }],
    ['two audiences', { aud: [BROKER_APP, 'other'] }],
    ['no object id', { oid: undefined }],
  ])('is nobody with %s', (_, change) => {
    const { deps } = setUp();
    expect(subjectOf(deps, 'aad', forge({ alg: 'none' }, idClaims(change)))).toBeUndefined();
  });

  it('is nobody for what is no token, or of another provider', () => {
    const { deps } = setUp();
    for (const text of noTokens) expect(subjectOf(deps, 'aad', text)).toBeUndefined();
    expect(subjectOf(deps, 'google', forge({ alg: 'none' }, idClaims()))).toBeUndefined();
  });
});
