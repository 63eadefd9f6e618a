import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BROKER,
  directory,
  GRAPH_URI,
  IDENTITY,
  MULTI,
  PUBLIC,
  REPORT,
  SECRET,
  SYSTEM_IDENTITY,
  TID,
} from './support/directory.js';
import {
  type Answer,
  claims,
  codes,
  field,
  startTestProvider,
  type TestProvider,
} from './support/provider.js';

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const GRAPH_APP = { grant_type: 'client_credentials', scope: `${GRAPH_URI}/.default` };

let idp: TestProvider;
beforeAll(async () => {
  const { n = '', e = '' } = pair.publicKey.export({ format: 'jwk' });
  const key = { kty: 'RSA' as const, n, e, 'x5t#S256': 'thumb', kid: 'cert-1' };
  const apps = directory.apps.map((app) => (app.app_id === REPORT ? { ...app, keys: [key] } : app));
  idp = await startTestProvider({ directory: { ...directory, apps }, identityHeader: 'msi-header' });
});
afterAll(() => idp.stop());

/** A token request with no client secret of its own. */
function bare(
  values: Record<string, string>,
  headers: Record<string, string> = {},
  tenant = TID,
): Promise<Answer> {
  return idp.post(`/${tenant}/oauth2/v2.0/token`, { ...GRAPH_APP, ...values }, headers);
}

function basic(id: string, secret: string): Record<string, string> {
  const half = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+');
  return { authorization: `Basic ${Buffer.from(`${half(id)}:${half(secret)}`).toString('base64')}` };
}

type Assertion = {
  alg?: string;
  key?: typeof pair.privateKey;
  aud?: string;
  iss?: string;
  exp?: number;
  header?: object;
};

async function assertion({
  alg = 'PS256',
  key = pair.privateKey,
  aud = idp.tokenUrl(),
  iss = REPORT,
  exp = 300,
  header = {},
}: Assertion = {}) {
  const now = Math.floor(idp.clock.now / 1000);
  const jwt = await new SignJWT({ iss, sub: iss, aud, jti: 'x', nbf: now - 10, exp: now + exp })
    .setProtectedHeader({ alg, typ: 'JWT', 'x5t#S256': 'thumb', ...header })
    .sign(key);
  return { client_assertion_type: ASSERTION_TYPE, client_assertion: jwt };
}

describe('client secrets', () => {
  it('pass in the body and by HTTP Basic with form-encoded halves', async () => {
    expect((await bare({ client_id: BROKER, client_secret: SECRET })).status).toBe(200);
    const answer = await bare({}, basic(BROKER, SECRET));
    expect(claims(answer)).toMatchObject({ appid: BROKER, appidacr: '1' });
  });

  it('wrong is 7000215, expired 7000222, missing 7000218: all 401 invalid_client', async () => {
    const wrong = await bare({ client_id: BROKER, client_secret: 'no' });
    expect(wrong).toMatchObject({ status: 401, body: { error: 'invalid_client', error_codes: [7000215] } });
    const expired = await bare({ client_id: BROKER, client_secret: 'old-secret' });
    expect(expired).toMatchObject({ status: 401, body: { error: 'invalid_client', error_codes: [7000222] } });
    const missing = await bare({ client_id: BROKER });
    expect(missing).toMatchObject({ status: 401, body: { error: 'invalid_client', error_codes: [7000218] } });
    expect(codes(await bare({}, basic(BROKER, 'no')))).toEqual([7000215]);
  });

  it('exactly one way: two credentials, or two clients, are refused', async () => {
    expect(codes(await bare({ client_id: BROKER, client_secret: SECRET }, basic(BROKER, SECRET)))).toEqual([
      9002313,
    ]);
    expect(codes(await bare({ client_id: REPORT }, basic(BROKER, SECRET)))).toEqual([9002313]);
    expect(
      codes(await bare({ client_id: REPORT, client_secret: 'report-secret', ...(await assertion()) })),
    ).toEqual([9002313]);
  });

  it('an unknown client is 700016 unauthorized_client, no client at all 900144', async () => {
    const answer = await bare({ client_id: '00000000-0000-4000-8000-00000000dead', client_secret: 'x' });
    expect(answer).toMatchObject({
      status: 400,
      body: { error: 'unauthorized_client', error_codes: [700016] },
    });
    expect(codes(await bare({}))).toEqual([900144]);
  });

  it('a public client presents none, and gets no app token', async () => {
    expect(codes(await bare({ client_id: PUBLIC, client_secret: 'x' }))).toEqual([700025]);
    expect(codes(await bare({ client_id: PUBLIC }))).toEqual([7000218]);
  });
});

describe('certificate assertions (private_key_jwt)', () => {
  it.each(['PS256', 'RS256'])(
    '%s passes, with the client id given or only asserted, and is azpacr 2',
    async (alg) => {
      expect((await bare({ client_id: REPORT, ...(await assertion({ alg })) })).status).toBe(200);
      const answer = await bare({ ...(await assertion({ alg })), scope: 'api://token-broker/.default' });
      expect(claims(answer)).toMatchObject({ azp: REPORT, azpacr: '2' });
    },
  );

  it('passes for the v2 issuer as audience and for a key found by kid', async () => {
    const aud = `${idp.url}/${TID}/v2.0`;
    const header = { 'x5t#S256': undefined, kid: 'cert-1' };
    expect((await bare({ client_id: REPORT, ...(await assertion({ aud, header })) })).status).toBe(200);
  });

  it.each<[string, () => Assertion, number]>([
    ['another key', () => ({ key: stranger.privateKey }), 700027],
    ['an unknown thumbprint', () => ({ header: { 'x5t#S256': 'other' } }), 700027],
    ['a passed time', () => ({ exp: -1 }), 700024],
    ['another audience', () => ({ aud: 'https://login.example/token' }), 700023],
    ['another issuer', () => ({ iss: BROKER }), 700021],
  ])('%s is refused', async (_, make, code) => {
    const answer = await bare({ client_id: REPORT, ...(await assertion(make())) });
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client', error_codes: [code] } });
  });

  it('no JWT, or another assertion type, is refused', async () => {
    expect(
      codes(await bare({ client_id: REPORT, client_assertion: 'x', client_assertion_type: ASSERTION_TYPE })),
    ).toEqual([50027]);
    const other = {
      ...(await assertion()),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer',
    };
    expect(codes(await bare({ client_id: REPORT, ...other }))).toEqual([9002313]);
  });
});

describe('managed identities', () => {
  const msi = (query: Record<string, string>, header = 'msi-header'): Promise<Answer> =>
    idp.get(`/msi/token?${new URLSearchParams({ 'api-version': '2019-08-01', ...query })}`, {
      'x-identity-header': header,
    });

  it('the App Service endpoint gives the named or the system-assigned identity an app token', async () => {
    const named = await msi({ resource: 'api://token-broker', client_id: IDENTITY });
    expect(named.body).toMatchObject({
      token_type: 'Bearer',
      resource: 'api://token-broker',
      client_id: IDENTITY,
    });
    expect(named.body.expires_on).toBe(String(Math.floor(idp.clock.now / 1000) + 3600));
    expect(claims(named)).toMatchObject({ azp: IDENTITY, azpacr: '2', idtyp: 'app', roles: ['Audit.Read'] });
    expect(claims(await msi({ resource: GRAPH_URI }))).toMatchObject({
      appid: SYSTEM_IDENTITY,
      aud: GRAPH_URI,
    });
  });

  it('a wrong header is 401; a missing resource, version, identity or unknown resource 400', async () => {
    expect((await msi({ resource: GRAPH_URI }, 'wrong')).status).toBe(401);
    expect((await idp.get(`/msi/token?resource=${GRAPH_URI}&api-version=2019-08-01`)).status).toBe(401);
    expect((await msi({})).status).toBe(400);
    expect((await msi({ resource: GRAPH_URI, 'api-version': '2017-09-01' })).status).toBe(400);
    expect((await msi({ resource: GRAPH_URI, client_id: BROKER })).status).toBe(400);
    expect((await msi({ resource: 'api://nobody' })).status).toBe(400);
  });

  it('its token stands for the secret of an app that trusts it, and of no other', async () => {
    const assertionOf = async (client_id: string, resource = 'api://AzureADTokenExchange') => ({
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: field(await msi({ resource, client_id }), 'access_token'),
    });
    const passed = await bare({ client_id: BROKER, ...(await assertionOf(IDENTITY)) });
    expect(claims(passed)).toMatchObject({ appid: BROKER, appidacr: '2' });
    expect(codes(await bare({ client_id: BROKER, ...(await assertionOf(SYSTEM_IDENTITY)) }))).toEqual([
      700213,
    ]);
    expect(codes(await bare({ client_id: MULTI, ...(await assertionOf(IDENTITY)) }))).toEqual([700213]);
    expect(
      codes(await bare({ client_id: BROKER, ...(await assertionOf(IDENTITY, 'api://token-broker')) })),
    ).toEqual([700212]);
  });
});
