import { createPrivateKey, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Broker } from '../../../shared/compose.js';
import { type Answer, callRoute, PUBLIC, withBroker } from '../support/broker.js';
import {
  ACCESS_TOKEN_TYPE,
  basic,
  FORM,
  type Form,
  formText,
  postJson,
  principalOf,
  refreshForm,
  signIn,
  TOKEN_EXCHANGE,
} from '../support/calls.js';
import { APP_ID } from '../support/entra.js';
import {
  BY_KEY,
  createForger,
  FORGERIES,
  type Forger,
  type Genuine,
  genuineToken,
  NO_TOKENS,
  signerOf,
} from '../support/forgeries.js';
import { TENANT } from '../support/issuer.js';
import { ORDERS, someone } from '../support/samples.js';
import { replies, type ScriptedServer, startScripted } from '../support/scripted_server.js';

const test = withBroker();
const folder = mkdtempSync(join(tmpdir(), 'forged-'));
const REPORT = {
  id: 'report',
  secret: 'the secret of the report',
  appId: '33333333-3333-4333-8333-333333333333',
};
const HELPER_APP = '44444444-4444-4444-8444-444444444444';

let broker: Broker;
let evil: ScriptedServer;
let forger: Forger;
let clientKey: { publicJwk: JWK; sign: Genuine['sign'] };
let dpopKey: { publicJwk: JWK; sign: Genuine['sign'] };
let grantId: string;
let user: string;

beforeAll(async () => {
  evil = await startScripted();
  forger = await createForger(evil.origin);
  evil.answer(
    replies(200, { keys: Object.values(forger.keys).map(({ publicJwk }) => ({ ...publicJwk, kid: 'm' })) }),
  );
  [clientKey, dpopKey] = await Promise.all([newKey(), newKey()]);
  const file = join(folder, 'policy.json');
  const resources = { [ORDERS]: { narrowing: 'minted', scopes: ['orders.read'] } };
  const auth = {
    secretSetting: 'REPORT_SECRET',
    entraAppId: REPORT.appId,
    publicKeys: [{ ...clientKey.publicJwk, kid: 'c1' }],
  };
  const clients = {
    [REPORT.id]: { auth, resources: { [ORDERS]: ['orders.read'] }, actors: ['helper'] },
    helper: { auth: { entraAppId: HELPER_APP }, resources: {} },
  };
  writeFileSync(file, JSON.stringify({ resources, clients }));
  broker = test.compose({ BROKER_POLICY_FILE: file, REPORT_SECRET: REPORT.secret });
  user = someone('user').id;
  const body = { client_id: REPORT.id, resource: ORDERS, scope: 'orders.read' };
  const made = await callRoute(broker, 'createGrant', postJson(await signIn(test, user), body));
  grantId = made.body.grant_id;
});
afterAll(async () => {
  await evil.close();
  rmSync(folder, { recursive: true, force: true });
});

async function newKey() {
  const pair = await generateKeyPair('ES256', { extractable: true });
  return { publicJwk: await exportJWK(pair.publicKey), sign: signerOf(await exportJWK(pair.privateKey)) };
}

function form(
  route: 'token' | 'introspect' | 'revoke',
  body: Form,
  headers: Readonly<Record<string, string>> = {},
) {
  const sent = { ...FORM, ...headers };
  return callRoute(broker, route, {
    method: 'POST',
    url: `${PUBLIC}/${route}`,
    headers: sent,
    body: formText(body),
  });
}

const asReport = () => basic(REPORT.id, REPORT.secret);
const seconds = () => test.time.now / 1000;

/** Signed by the provider. */
function ofProvider(claims: object): Genuine {
  const { key, issuer } = test.entra;
  const jwk = createPrivateKey(key.pkcs8).export({ format: 'jwk' }) as JWK;
  const base = { iss: issuer, tid: TENANT, iat: seconds() - 10, nbf: seconds() - 10, exp: seconds() + 3600 };
  return {
    header: { alg: 'RS256', kid: key.kid, typ: 'JWT' },
    claims: { ...base, ...claims },
    publicJwk: key.publicJwk,
    sign: signerOf(jwk),
  };
}

const appClaims = (appId = REPORT.appId) => ({
  aud: 'api://token-broker',
  sub: `sp-${appId}`,
  oid: `sp-${appId}`,
  azp: appId,
  idtyp: 'app',
});
const userClaims = () => ({
  aud: 'api://token-broker',
  sub: 'pairwise',
  oid: user,
  azp: APP_ID,
  scp: 'access_as_user',
});
const idClaims = () => ({ aud: APP_ID, sub: 'pairwise', oid: user });

interface Entry {
  readonly genuine: () => Genuine | Promise<Genuine>;
  readonly send: (token: string) => Promise<Answer>;
  readonly accepted: (answer: Answer) => boolean;
  readonly refused: object;
  /** Forgeries that are none here. */
  readonly except?: (name: string) => boolean;
  /** True tokens of other kinds, which are no better here than forged ones. */
  readonly others: () => Readonly<Record<string, Genuine | string>>;
}

const ok = ({ status }: Answer) => status === 200;
const invalidClient = { status: 401, body: { error: 'invalid_client' } };
const invalidRequest = { status: 400, body: { error: 'invalid_request' } };
const unauthenticated = { status: 401, body: { code: 'unauthenticated' } };
const exchange = (token: string, type = ACCESS_TOKEN_TYPE): Form => ({
  grant_type: TOKEN_EXCHANGE,
  subject_token: token,
  subject_token_type: type,
  resource: ORDERS,
});
const asAssertion = (token: string): Form => ({
  ...refreshForm(grantId),
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: token,
});
const ofApp = () => ofProvider(appClaims());
const ofUser = () => ofProvider(userClaims());
const idToken = () => ofProvider(idClaims());
const kinds = () => ({
  'an app token': ofApp(),
  'an access token of a user': ofUser(),
  'an ID token': idToken(),
  'a grant id': grantId,
});
const without = (name: keyof ReturnType<typeof kinds>) => () => {
  const { [name]: _, ...rest } = kinds();
  return rest;
};

const assertion = (): Genuine => ({
  header: { alg: 'ES256', kid: 'c1' },
  claims: {
    iss: REPORT.id,
    sub: REPORT.id,
    aud: PUBLIC,
    jti: randomUUID(),
    iat: seconds(),
    exp: seconds() + 60,
  },
  ...clientKey,
});
const proof = (): Genuine => ({
  header: { alg: 'ES256', typ: 'dpop+jwt', jwk: dpopKey.publicJwk },
  claims: { htm: 'POST', htu: `${PUBLIC}/token`, iat: seconds(), jti: randomUUID() },
  ...dpopKey,
});

async function minted(): Promise<{ token: string; publicJwk: JWK }> {
  const { body } = await form('token', refreshForm(grantId), asReport());
  const { keys } = (await callRoute(broker, 'jwks')).body;
  return { token: body.access_token, publicJwk: keys[0] };
}

/** One of the broker's own, whose key nobody has: only what can be forged without it. */
async function ownToken(): Promise<Genuine> {
  const { token, publicJwk } = await minted();
  const [header = '', claims = ''] = token
    .split('.')
    .map((text) => Buffer.from(text, 'base64url').toString());
  const asItIs = (given: object, payload: string) => {
    const same = JSON.stringify(given) === header && Buffer.from(payload, 'base64url').toString() === claims;
    return same
      ? token
      : `${Buffer.from(JSON.stringify(given)).toString('base64url')}.${payload}.${token.split('.')[2]}`;
  };
  return { header: JSON.parse(header), claims: JSON.parse(claims), publicJwk, sign: asItIs };
}

const ENTRIES: Readonly<Record<string, Entry>> = {
  'client authentication as bearer token': {
    genuine: ofApp,
    send: (token) => form('token', refreshForm(grantId), { authorization: `Bearer ${token}` }),
    accepted: ok,
    refused: invalidClient,
    others: without('an app token'),
  },
  'client_assertion, an app token': {
    genuine: ofApp,
    send: (token) => form('token', asAssertion(token)),
    accepted: ok,
    refused: invalidClient,
    others: without('an app token'),
  },
  "client_assertion, the client's own": {
    genuine: assertion,
    send: (token) => form('token', asAssertion(token)),
    accepted: ok,
    refused: invalidClient,
    others: () => ({ 'a DPoP proof by the same key': { ...proof(), ...clientKey } }),
  },
  "subject_token, a user's access token": {
    genuine: ofUser,
    send: (token) => form('token', exchange(token), asReport()),
    accepted: ok,
    refused: invalidRequest,
    others: without('an access token of a user'),
  },
  "subject_token, a user's ID token": {
    genuine: () => ofProvider({ ...idClaims(), aud: 'api://token-broker' }),
    send: (token) => form('token', exchange(token, 'urn:ietf:params:oauth:token-type:id_token'), asReport()),
    accepted: ok,
    refused: invalidRequest,
    others: without('an ID token'),
  },
  "subject_token, one of the broker's": {
    genuine: ownToken,
    send: (token) => form('token', exchange(token), asReport()),
    accepted: ok,
    refused: invalidRequest,
    others: () => ({ "an assertion of the client's": assertion() }),
  },
  actor_token: {
    genuine: () => ofProvider(appClaims(HELPER_APP)),
    send: (token) =>
      form(
        'token',
        { ...exchange(genuineToken(ofUser())), actor_token: token, actor_token_type: ACCESS_TOKEN_TYPE },
        asReport(),
      ),
    accepted: ok,
    refused: invalidRequest,
    others: without('an app token'),
  },
  'the ID token in the platform header': {
    genuine: idToken,
    send: (token) =>
      callRoute(broker, 'listGrants', {
        headers: {
          'x-ms-client-principal': principalOf(user),
          'x-ms-client-principal-id': user,
          'x-ms-client-principal-idp': 'aad',
          'x-ms-token-aad-id-token': token,
        },
      }),
    accepted: ok,
    refused: unauthenticated,
    others: without('an ID token'),
  },
  'a bearer token at an endpoint for users and apps': {
    genuine: ofApp,
    send: (token) => callRoute(broker, 'listGrants', { headers: { authorization: `Bearer ${token}` } }),
    accepted: ok,
    refused: unauthenticated,
    others: without('an app token'),
  },
  'introspection of a token': {
    genuine: ownToken,
    send: (token) => form('introspect', { token }, asReport()),
    accepted: ({ body }) => body.active === true,
    refused: { status: 200, body: { active: false } },
    others: () => ({ 'an access token of a user': ofUser() }),
  },
  'a DPoP proof': {
    genuine: proof,
    send: (token) => form('token', refreshForm(grantId), { ...asReport(), dpop: token }),
    accepted: ok,
    refused: { status: 400, body: { error: 'invalid_dpop_proof' } },
    // A proof is signed with whatever key it shows, and has neither issuer, audience nor end.
    except: (name) => name.startsWith(BY_KEY) || /issuer|audience|end$|an end /.test(name),
    others: () => ({ "an assertion of the client's": assertion() }),
  },
};

const shown = (genuine: Genuine | string) => (typeof genuine === 'string' ? genuine : genuineToken(genuine));

describe.each(Object.entries(ENTRIES))('%s', (_, entry) => {
  const forgeries = FORGERIES.filter(([name]) => !entry.except?.(name));

  it('takes the true one', async () => {
    const answer = await entry.send(genuineToken(await entry.genuine()));
    expect(entry.accepted(answer), answer.text).toBe(true);
  });

  it('refuses every forgery, all in the same words, and asks nobody a forger names', async () => {
    const texts = new Set<string>();
    const sent = forgeries.map(async ([name, make]) => {
      const answer = await entry.send(make(await entry.genuine(), forger));
      expect({ name, ...answer }).toMatchObject({ name, ...entry.refused });
      texts.add(String(answer.body.error_description ?? answer.body.detail ?? ''));
    });
    await Promise.all(sent);
    expect(texts.size).toBeLessThanOrEqual(saysWhy(entry) ? 20 : 1);
    expect(evil.paths).toEqual([]);
  });

  it('refuses true tokens of another kind, and what is none', async () => {
    const others = [...Object.entries(entry.others()), ...NO_TOKENS.map((text) => [text, text] as const)];
    const sent = others.map(async ([name, other]) => {
      const answer = await entry.send(shown(other));
      expect({ name, ...answer }).toMatchObject({ name, ...entry.refused });
    });
    await Promise.all(sent);
  });
});

/** DPoP says which check failed (RFC 9449 §5): the proof holds nothing that is secret. */
function saysWhy(entry: Entry): boolean {
  return entry.genuine === proof;
}

describe('a storm of tokens by keys that nobody knows', () => {
  it('at every entry at once is one look at the provider per cooldown', async () => {
    const asked = () => test.entra.paths.filter((path) => path === '/keys').length;
    test.time.now += 31_000;
    const before = asked();
    const entries = [...Object.entries(ENTRIES)].filter(
      ([, { genuine }]) => genuine === ofApp || genuine === ofUser || genuine === idToken,
    );
    for (let round = 0; round < 40; round++) {
      const sends = entries.map(async ([, entry]) => {
        const genuine = await entry.genuine();
        return entry.send(
          genuine.sign(
            { ...genuine.header, kid: randomUUID() },
            Buffer.from(JSON.stringify(genuine.claims)).toString('base64url'),
          ),
        );
      });
      for (const answer of await Promise.all(sends)) expect(answer.status).toBeLessThan(500);
    }
    expect(asked() - before).toBe(1);
  });
});
