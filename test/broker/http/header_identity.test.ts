import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Broker } from '../../../shared/compose.js';
import { ConfigRefused, type Environment } from '../../../shared/config.js';
import {
  CLIENT_SECRET,
  type SocialProvider,
  startSocialProvider,
} from '../../identity_provider/support/social.js';
import { callRoute, NIGHTLY, withBroker } from '../support/broker.js';
import { principalOf } from '../support/calls.js';
import { ORDERS } from '../support/samples.js';
import { githubToken } from '../support/social_sign_in.js';

const folder = mkdtempSync(join(tmpdir(), 'header-identity-'));
const test = withBroker();

let idp: SocialProvider;
let open: Broker;
let silent: Broker;
beforeAll(async () => {
  idp = await startSocialProvider();
  open = test.compose(environment({ github: { admitOnHeaders: true }, twitter: { admitOnHeaders: true } }));
  silent = test.compose(environment({}));
});
afterAll(async () => {
  await idp.stop();
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;
function environment(providers: object, resources: object = {}, more: Environment = {}): Environment {
  const policyFile = join(folder, `policy-${++files}.json`);
  const policy = {
    version: 1,
    resources: { [ORDERS]: { narrowing: 'minted', scopes: ['orders.read'] }, ...resources },
    clients: {
      [NIGHTLY.id]: { auth: { secretSetting: 'NIGHTLY_SECRET' }, resources: { [ORDERS]: ['orders.read'] } },
    },
    providers,
  };
  writeFileSync(policyFile, JSON.stringify(policy));
  return {
    BROKER_POLICY_FILE: policyFile,
    BROKER_GITHUB_CLIENT_ID: 'Ov23',
    BROKER_GITHUB_CLIENT_SECRET: CLIENT_SECRET,
    BROKER_GITHUB_API_URL: `${idp.url}/github`,
    BROKER_TWITTER_CLIENT_ID: 'tw-key',
    BROKER_TWITTER_CLIENT_SECRET: CLIENT_SECRET,
    ...more,
  };
}

type Headers = Readonly<Record<string, string>>;
const headersOf = (id: string, more: Headers = {}, idpName = 'github'): Headers => ({
  'x-ms-client-principal': principalOf(id, { auth_typ: idpName }),
  'x-ms-client-principal-id': id,
  'x-ms-client-principal-idp': idpName,
  ...more,
});
const list = (broker: Broker, headers: Headers) => callRoute(broker, 'listConnections', { headers });
const connect = (broker: Broker, headers: Headers) =>
  callRoute(broker, 'connect', { method: 'POST', headers });
const idOf = async (token: string) => String((await idp.bearer('/github/user', token)).body.id);

describe('users of a provider without ID tokens', () => {
  it('are not admitted where policy does not say so', async () => {
    expect((await list(silent, headersOf('1'))).status).toBe(401);
  });

  it('are admitted on the headers where it does, and known by provider, authority and id', async () => {
    expect(await list(open, headersOf('1'))).toMatchObject({ status: 200, body: { connections: [] } });
    const token = await githubToken(idp);
    const id = await idOf(token);
    const answer = await connect(open, headersOf(id, { 'x-ms-token-github-access-token': token }));
    expect(answer).toMatchObject({
      status: 201,
      body: { subject: `github:${idp.url}/github:${id}`, credential: 'access_token' },
    });
  });

  it('never have a role, whatever the principal claims', async () => {
    const claims = [{ typ: 'roles', val: 'Audit.Read' }];
    const principal = principalOf('1', { auth_typ: 'github', claims, role_typ: 'roles' });
    const headers = headersOf('1', { 'x-ms-client-principal': principal });
    expect((await callRoute(open, 'auditEvents', { headers })).status).toBe(403);
  });

  it("cannot take over another user's token", async () => {
    const token = await githubToken(idp);
    const headers = headersOf('4711', { 'x-ms-token-github-access-token': token });
    expect(await connect(open, headers)).toMatchObject({ status: 422, body: { code: 'identity_mismatch' } });
  });

  it('without a token are told what to configure', async () => {
    const answer = await connect(open, headersOf('1'));
    expect(answer).toMatchObject({ status: 422, body: { code: 'refresh_token_missing' } });
    expect(answer.text).toContain('no access token');
  });

  it.each(['', 'a/b', "' or PartitionKey ne '", 'a b', 'a'.repeat(129), '1,2', 'ä'])(
    'with the id %j are nobody',
    async (id) => {
      expect((await list(open, { ...headersOf('1'), 'x-ms-client-principal-id': id })).status).toBe(401);
    },
  );

  it('must have a principal of that provider', async () => {
    const { 'x-ms-client-principal': _, ...without } = headersOf('1');
    expect((await list(open, without)).status).toBe(401);
    const other = { ...headersOf('1'), 'x-ms-client-principal': principalOf('1', { auth_typ: 'aad' }) };
    expect((await list(open, other)).status).toBe(401);
  });

  it('at X are the same user under both of its names', async () => {
    for (const name of ['twitter', 'x', 'Twitter']) {
      expect((await list(open, headersOf('1', {}, name))).status).toBe(200);
    }
  });
});

describe('users of a provider with ID tokens', () => {
  it.each(['aad', 'google'])('%s: are not admitted on headers', async (name) => {
    expect((await list(open, headersOf('alice', {}, name))).status).toBe(401);
  });
});

describe('a policy that does not fit the providers that are on', () => {
  const drive = (provider: string) => ({
    'https://drive.test': { narrowing: 'provider', provider, scopes: ['a'] },
  });
  it.each([
    [
      'admits on headers at one that is off',
      { facebook: { admitOnHeaders: true } },
      {},
      'policy/providers/facebook',
    ],
    [
      'admits on headers at one with ID tokens',
      { aad: { admitOnHeaders: true } },
      {},
      'policy/providers/aad',
    ],
    [
      'names a resource of one that is off',
      {},
      drive('google'),
      'policy/resources/https://drive.test/provider',
    ],
    [
      'names a resource of X, whose tokens nobody else can use',
      {},
      drive('twitter'),
      'policy/resources/https://drive.test/provider',
    ],
  ])('%s: is refused at start', (_, providers, resources, place) => {
    let problems: readonly string[] = [];
    try {
      test.compose(environment(providers, resources));
    } catch (error) {
      if (!(error instanceof ConfigRefused)) throw error;
      problems = error.problems;
    }
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(place);
  });
});
