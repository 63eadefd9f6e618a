import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHeaderReader } from '../../../local/functions_host/http/headers.js';
import type { Broker, HttpRoute } from '../../../shared/compose.js';
import { ConfigRefused, type Environment } from '../../../shared/config.js';
import { selfSigned } from '../../easyauth/support/self_signed.js';
import { type Answer, callRoute, PUBLIC, withBroker } from '../support/broker.js';
import {
  ACCESS_TOKEN_TYPE,
  basic,
  FORM,
  type Form,
  formText,
  postJson,
  refreshForm,
  signIn,
  TOKEN_EXCHANGE,
} from '../support/calls.js';
import { ORDERS } from '../support/samples.js';

const test = withBroker();
const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = 'the secret of the bound client';
const own = certificate('own');
const next = certificate('next');
const foreign = certificate('foreign');

/** A certificate as App Service passes it on, and its thumbprint. */
function certificate(name: string): { header: string; thumbprint: string } {
  const { raw, fingerprint256 } = new X509Certificate(selfSigned({ name: name }).pem);
  const thumbprint = Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
  return { header: raw.toString('base64'), thumbprint };
}

function policyFile(more: object = {}): string {
  const file = join(folder, `${Object.keys(more).length}-${Math.random()}.json`);
  const clients = {
    tls: {
      auth: { certificates: [own.thumbprint, next.thumbprint] },
      resources: { [ORDERS]: ['orders.read', 'orders.write'] },
    },
    bound: {
      auth: { secretSetting: 'BOUND_SECRET' },
      resources: { [ORDERS]: ['orders.read', 'orders.write'] },
      certificateBoundTokens: true,
    },
    plain: { auth: { secretSetting: 'BOUND_SECRET' }, resources: { [ORDERS]: ['orders.read'] } },
    server: { auth: { secretSetting: 'BOUND_SECRET' }, resources: {}, serves: [ORDERS] },
    ...more,
  };
  const resources = {
    [ORDERS]: { narrowing: 'minted', scopes: ['orders.read', 'orders.write'] },
    'https://graph.microsoft.test': { narrowing: 'provider', provider: 'aad', scopes: ['User.Read'] },
  };
  writeFileSync(file, JSON.stringify({ resources, clients }));
  return file;
}

const settings = (more: Environment = {}): Environment => ({
  BROKER_POLICY_FILE: policyFile(),
  BROKER_CLIENT_CERTIFICATES: 'true',
  BOUND_SECRET: SECRET,
  ...more,
});

let broker: Broker;
beforeAll(() => {
  broker = test.compose(settings());
});

interface Sent {
  readonly certificate?: string;
  readonly as?: string;
  readonly at?: Broker;
  readonly route?: HttpRoute;
}

function send(form: Form, { certificate: header, as, at = broker, route = 'token' }: Sent): Promise<Answer> {
  return callRoute(at, route, {
    method: 'POST',
    url: `${PUBLIC}/${route}`,
    headers: {
      ...FORM,
      ...(as === undefined ? {} : basic(as, SECRET)),
      ...(header === undefined ? {} : { 'x-arr-clientcert': header }),
    },
    body: formText(form),
  });
}

async function grantFor(clientId: string, scope = 'orders.read'): Promise<string> {
  const body = { client_id: clientId, resource: ORDERS, scope };
  const answer = await callRoute(broker, 'createGrant', postJson(await signIn(test), body));
  expect(answer.status).toBe(201);
  return answer.body.grant_id;
}

function cnfOf(answer: Answer): unknown {
  const [, claims = ''] = String(answer.body.access_token).split('.');
  return JSON.parse(Buffer.from(claims, 'base64url').toString()).cnf;
}

describe('RFC 8705 §2.2: a client that connects with its certificate', () => {
  it.each([
    ['the one it has', own],
    ['the one it is changing to', next],
  ])('is who policy says, by %s, at every endpoint of clients', async (_, { header }) => {
    const grant = await grantFor('tls');
    const answer = await send({ ...refreshForm(grant), client_id: 'tls' }, { certificate: header });
    expect(answer.status).toBe(200);
    const token = answer.body.access_token;
    const asked = { certificate: header, route: 'introspect' } as const;
    expect((await send({ token, client_id: 'tls' }, asked)).body.active).toBe(true);
    expect((await send({ token, client_id: 'tls' }, { ...asked, route: 'revoke' })).status).toBe(200);
  });

  it.each<[string, Form, Sent]>([
    ['with a certificate that policy does not name', { client_id: 'tls' }, { certificate: foreign.header }],
    ['without naming itself', {}, { certificate: own.header }],
    ['under the name of a client without certificates', { client_id: 'plain' }, { certificate: own.header }],
    ['under a name nobody has', { client_id: 'nobody' }, { certificate: own.header }],
    ['without the certificate', { client_id: 'tls' }, {}],
    ['with two certificates', { client_id: 'tls' }, { certificate: `${own.header},${own.header}` }],
    ['with something that is no certificate', { client_id: 'tls' }, { certificate: 'AAAA' }],
    [
      'with a certificate in PEM',
      { client_id: 'tls' },
      { certificate: `-----BEGIN CERTIFICATE-----${own.header}` },
    ],
    ['with one of more than 16 KiB', { client_id: 'tls' }, { certificate: 'A'.repeat(16_388) }],
  ])('is refused %s', async (_, form, sent) => {
    const answer = await send({ ...refreshForm('any'), ...form }, sent);
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  it('is refused once the certificate has ended, and before it begins', async () => {
    const now = test.time.now;
    for (const at of [Date.UTC(2045, 0, 2), Date.UTC(2024, 11, 31)]) {
      test.time.now = at;
      const answer = await send({ ...refreshForm('any'), client_id: 'tls' }, { certificate: own.header });
      expect(answer.body.error).toBe('invalid_client');
    }
    test.time.now = now;
  });

  it('is nobody where the platform is not known to set the header', async () => {
    const plain = { plain: { auth: { secretSetting: 'BOUND_SECRET' }, resources: {} } };
    const file = join(folder, 'plain.json');
    writeFileSync(file, JSON.stringify({ resources: {}, clients: plain }));
    const untrusting = test.compose({ BROKER_POLICY_FILE: file, BOUND_SECRET: SECRET });
    const answer = await send(
      { ...refreshForm('any'), client_id: 'tls' },
      { certificate: own.header, at: untrusting },
    );
    expect(answer.body).toMatchObject({ error: 'invalid_client' });
    // Not even read: what is no certificate does not disturb another way of authentication.
    const other = await send(refreshForm('any'), { certificate: 'AAAA', as: 'plain', at: untrusting });
    expect(other.body).toMatchObject({ error: 'invalid_grant' });
  });
});

describe('RFC 8705 §3: a client whose tokens are bound', () => {
  it('gets tokens bound to the certificate of the connection, and introspection says so', async () => {
    const grant = await grantFor('bound');
    const answer = await send(refreshForm(grant), { as: 'bound', certificate: foreign.header });
    expect(answer.body.token_type).toBe('Bearer');
    expect(cnfOf(answer)).toEqual({ 'x5t#S256': foreign.thumbprint });
    const token = answer.body.access_token;
    const shown = await send({ token }, { as: 'server', route: 'introspect' });
    expect(shown.body).toMatchObject({ active: true, cnf: { 'x5t#S256': foreign.thumbprint } });
  });

  it('gets none without a certificate', async () => {
    const answer = await send(refreshForm(await grantFor('bound')), { as: 'bound' });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  it('others are not bound by connecting with one', async () => {
    const answer = await send(refreshForm(await grantFor('plain')), { as: 'plain', certificate: own.header });
    expect(answer.status).toBe(200);
    expect(cnfOf(answer)).toBeUndefined();
  });

  const exchange = (token: string): Form => ({
    grant_type: TOKEN_EXCHANGE,
    subject_token: token,
    subject_token_type: ACCESS_TOKEN_TYPE,
    resource: ORDERS,
  });

  it('exchanges a bound token only over the same certificate, and what comes of it is bound to that', async () => {
    const grant = await grantFor('bound', 'orders.read orders.write');
    const first = await send(refreshForm(grant), { as: 'bound', certificate: own.header });
    const form = { ...exchange(first.body.access_token), scope: 'orders.read' };
    const again = await send(form, { as: 'bound', certificate: own.header });
    expect(again.status).toBe(200);
    expect(cnfOf(again)).toEqual({ 'x5t#S256': own.thumbprint });
    const stolen = await send(form, { as: 'bound', certificate: foreign.header });
    expect(stolen).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  it('does not lose the binding when policy stops asking for it', async () => {
    const grant = await grantFor('bound');
    const first = await send(refreshForm(grant), { as: 'bound', certificate: own.header });
    const unbound = { auth: { secretSetting: 'BOUND_SECRET' }, resources: { [ORDERS]: ['orders.read'] } };
    const later = test.compose(settings({ BROKER_POLICY_FILE: policyFile({ bound: unbound }) }));
    const form = exchange(first.body.access_token);
    expect((await send(form, { as: 'bound', at: later })).body.error).toBe('invalid_request');
    const kept = await send(form, { as: 'bound', at: later, certificate: own.header });
    expect(cnfOf(kept)).toEqual({ 'x5t#S256': own.thumbprint });
  });
});

describe('metadata (RFC 8705 §3.3, §2.2.1)', () => {
  it('names certificates only where the platform passes them on', async () => {
    const on = (await callRoute(broker, 'metadata')).body;
    const off = (await test.call('metadata')).body;
    expect(on.tls_client_certificate_bound_access_tokens).toBe(true);
    expect(on.token_endpoint_auth_methods_supported).toContain('self_signed_tls_client_auth');
    expect(off.tls_client_certificate_bound_access_tokens).toBeUndefined();
    expect(off.token_endpoint_auth_methods_supported).not.toContain('self_signed_tls_client_auth');
  });
});

describe('a policy with certificates', () => {
  const problems = (env: Environment): readonly string[] => {
    try {
      test.compose(env);
    } catch (error) {
      if (error instanceof ConfigRefused) return error.problems;
      throw error;
    }
    return [];
  };

  it('is refused where the platform does not pass them on, by every place that needs them', () => {
    expect(problems(settings({ BROKER_CLIENT_CERTIFICATES: 'false' }))).toEqual([
      'policy/clients/tls/auth/certificates: needs the setting BROKER_CLIENT_CERTIFICATES',
      'policy/clients/bound/certificateBoundTokens: needs the setting BROKER_CLIENT_CERTIFICATES',
    ]);
  });

  it('is refused when it binds tokens that are the provider’s', () => {
    const bound = {
      auth: { secretSetting: 'BOUND_SECRET' },
      resources: { 'https://graph.microsoft.test': ['User.Read'] },
      certificateBoundTokens: true,
    };
    expect(problems(settings({ BROKER_POLICY_FILE: policyFile({ bound }) }))).toEqual([
      "policy/clients/bound/certificateBoundTokens: tokens of https://graph.microsoft.test are the provider's and cannot be bound",
    ]);
  });
});

describe('on one machine', () => {
  it('nobody passes a certificate of their own through the host', () => {
    const read = createHeaderReader('gateway-secret');
    const sent = ['X-ARR-ClientCert', own.header];
    expect(read(sent).headers).not.toHaveProperty('x-arr-clientcert');
    expect(read([...sent, 'x-easyauth-gateway-secret', 'gateway-secret']).headers).toHaveProperty(
      'x-arr-clientcert',
    );
  });
});
