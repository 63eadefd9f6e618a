import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSettings } from '../../easyauth/config/read.js';
import { createClientProof } from '../../easyauth/providers/aad/credential.js';
import { createProviderHttp } from '../../easyauth/providers/openid/provider_http.js';
import { oauthEncode, oauthHeader, signatureBase } from '../../easyauth/providers/twitter/oauth1.js';
import { listen } from './support/http_server.js';
import { clientId } from './support/scripted_provider.js';
import { selfSigned } from './support/self_signed.js';
import { ordinaryConfig } from './support/stack.js';

const registration = 'identityProviders.azureActiveDirectory.registration';
const issuer = 'https://login.microsoftonline.com/11111111-1111-4111-8111-111111111111/v2.0';
const read = (changes: Record<string, unknown>, env: Record<string, string>) =>
  readSettings(ordinaryConfig(issuer, changes), env);

describe('§8 a certificate instead of a secret [D]', () => {
  const { pem, thumbprint } = selfSigned();
  const config = {
    [`${registration}.clientSecretSettingName`]: null,
    [`${registration}.clientSecretCertificateThumbprint`]: thumbprint,
  };
  const setting = `EASYAUTH_CERTIFICATE_${thumbprint}`;

  it('the token request carries an assertion signed with its key and named by its thumbprint', async () => {
    const { settings, problems } = read(config, { [setting]: pem });
    expect(problems).toEqual([]);
    const http = createProviderHttp();
    const now = () => Date.now();
    const proof = createClientProof(settings.aad?.credential, { clientId, http, now });
    const members = (await proof?.members('https://idp.test/token')) ?? {};
    await http.close();
    expect(members.client_assertion_type).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    expect(members).not.toHaveProperty('client_secret');
    const assertion = members.client_assertion ?? '';
    const key = createPublicKey(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'pem' }));
    const { payload } = await jwtVerify(assertion, key, { audience: 'https://idp.test/token' });
    expect([payload.iss, payload.sub]).toEqual([clientId, clientId]);
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(600);
    const x5t = Buffer.from(thumbprint, 'hex').toString('base64url');
    expect(decodeProtectedHeader(assertion)).toMatchObject({ alg: 'PS256', x5t });
  });

  it('a PEM with another certificate, without the key, or none is refused by its setting', () => {
    const other = { [`${registration}.clientSecretCertificateThumbprint`]: 'A'.repeat(40) };
    const wrong = read({ ...config, ...other }, { [`EASYAUTH_CERTIFICATE_${'A'.repeat(40)}`]: pem });
    expect(wrong.problems.join()).toContain('another thumbprint');
    const half = read(config, { [setting]: pem.slice(0, pem.indexOf('-----BEGIN PRIVATE')) });
    expect(half.problems.join()).toContain('must be PEM with the certificate and its private key');
    expect(read(config, {}).problems.join()).toContain(`${setting}, which is not set`);
    expect([...wrong.problems, ...half.problems].join()).not.toContain('BEGIN');
  });
});

describe('§8 a certificate by its subject alternative name [D]', () => {
  let folder: string;
  const name = 'app.contoso.test';
  const member = `${registration}.clientSecretCertificateSubjectAlternativeName`;
  const wanted = { [`${registration}.clientSecretSettingName`]: null, [member]: name };
  const reading = (changes: Record<string, unknown> = {}) =>
    read({ ...wanted, ...changes }, { EASYAUTH_CERTIFICATES_DIRECTORY: folder });
  const put = (file: string, text: string) => writeFile(join(folder, file), text);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'easyauth-certificates-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('the newest valid one of that name and issuer signs the assertion and is shown in it, issuers included', async () => {
    const right = selfSigned({ dns: name, name: 'Contoso CA', from: '220101000000Z' });
    const issuer = selfSigned({ name: 'Contoso Root' }).pem.split('-----BEGIN PRIVATE')[0] ?? '';
    await put('b.pem', `${right.pem}${issuer}`);
    await put('a.pem', selfSigned({ dns: name, name: 'Contoso CA', from: '210101000000Z' }).pem);
    await put(
      'c.pem',
      selfSigned({ dns: name, name: 'Contoso CA', from: '230201000000Z', to: '230301000000Z' }).pem,
    );
    await put('d.pem', selfSigned({ dns: name, name: 'Other CA', from: '230301000000Z' }).pem);
    await put(
      'e.pem',
      selfSigned({ dns: 'www.contoso.test', name: 'Contoso CA', from: '230301000000Z' }).pem,
    );
    await put('f.pem', 'not a certificate');
    const { settings, problems } = reading({
      [`${registration}.clientSecretCertificateIssuer`]: 'CN=Contoso CA',
    });
    expect(problems).toEqual([]);
    const http = createProviderHttp();
    const proof = createClientProof(settings.aad?.credential, { clientId, http, now: Date.now });
    const { client_assertion: assertion = '' } = (await proof?.members('https://idp.test/token')) ?? {};
    await http.close();
    const { x5c = [], x5t } = decodeProtectedHeader(assertion);
    expect([x5c.length, x5t]).toEqual([2, Buffer.from(right.thumbprint, 'hex').toString('base64url')]);
    const shown = new X509Certificate(Buffer.from(x5c[0] ?? '', 'base64'));
    await jwtVerify(assertion, shown.publicKey, { issuer: clientId, audience: 'https://idp.test/token' });
  });

  it('none that is valid, named and complete is refused by the member, and a form that cannot be read is told', async () => {
    await put('old.pem', selfSigned({ dns: name, to: '250201000000Z' }).pem);
    await put('wild.pem', selfSigned({ dns: '*.contoso.test' }).pem);
    const { pem } = selfSigned({ dns: name });
    await put('half.pem', pem.slice(0, pem.indexOf('-----BEGIN PRIVATE')));
    const text = reading().problems.join();
    expect(text).toMatch(
      /SubjectAlternativeName: names no valid certificate .* EASYAUTH_CERTIFICATES_DIRECTORY$/,
    );
    expect(text).not.toContain(name);
    await put('app.p12', '');
    expect(reading().problems.join()).toContain('.p12 and .pfx files cannot be read here');
  });

  it('beside a secret or a thumbprint it is a contradiction', () => {
    const secret = read({ [member]: name }, { AAD_SECRET: 's', EASYAUTH_CERTIFICATES_DIRECTORY: folder });
    expect(secret.problems.join()).toContain('SubjectAlternativeName: contradicts clientSecretSettingName');
    const thumbprint = reading({ [`${registration}.clientSecretCertificateThumbprint`]: 'A'.repeat(40) });
    expect(thumbprint.problems.join()).toContain('contradicts clientSecretCertificateThumbprint');
  });
});

describe('§8 a managed identity instead of a secret [O]', () => {
  const config = {
    [`${registration}.clientSecretSettingName`]: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID',
  };

  it('the identity’s own token is the assertion', async () => {
    const calls: { url: string; header: unknown }[] = [];
    const endpoint = await listen((request, response) => {
      calls.push({ url: request.url ?? '', header: request.headers['x-identity-header'] });
      response.setHeader('content-type', 'application/json');
      response.end('{"access_token":"identity-token"}');
    });
    const env = {
      OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: 'identity-id',
      IDENTITY_ENDPOINT: `${endpoint.url}/msi/token`,
      IDENTITY_HEADER: 'canary-header',
    };
    const { settings, problems } = read(config, env);
    expect(problems).toEqual([]);
    const http = createProviderHttp();
    const proof = createClientProof(settings.aad?.credential, { clientId, http, now: Date.now });
    expect(await proof?.members('https://idp.test/token')).toMatchObject({
      client_assertion: 'identity-token',
    });
    await Promise.all([http.close(), endpoint.close()]);
    const query = new URL(calls[0]?.url ?? '', 'http://x').searchParams;
    expect(query.get('resource')).toBe('api://AzureADTokenExchange');
    expect(query.get('client_id')).toBe('identity-id');
    expect(calls[0]?.header).toBe('canary-header');
  });

  it('without the endpoint, or with one on another machine, it is refused', () => {
    expect(read(config, {}).problems.join('\n')).toMatch(
      /must be set to the identity.*[\s\S]*needs IDENTITY_ENDPOINT/,
    );
    const away = {
      OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: 'x',
      IDENTITY_ENDPOINT: 'http://evil.test/',
      IDENTITY_HEADER: 'h',
    };
    expect(read(config, away).problems.join()).toContain(
      'IDENTITY_ENDPOINT: must be an address of this machine',
    );
  });
});

describe('§5.1 OAuth 1.0a signatures [D]', () => {
  it('the base string is that of RFC 5849 §3.4.1.1', () => {
    const url = 'http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b';
    const form = new URLSearchParams('c2&a3=2+q');
    const oauth = [
      ['oauth_consumer_key', '9djdj82h48djs9d2'],
      ['oauth_token', 'kkk9d7dh3k39sjv7'],
      ['oauth_signature_method', 'HMAC-SHA1'],
      ['oauth_timestamp', '137131201'],
      ['oauth_nonce', '7d8f3e4a'],
    ] as const;
    expect(signatureBase({ method: 'POST', url, form, now: 0 }, oauth)).toBe(
      'POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7',
    );
  });

  it('the signature is the one X documents for its example', () => {
    const header = oauthHeader(
      {
        consumerKey: 'xvz1evFS4wEEPTGEFPHBog',
        consumerSecret: 'kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw',
        token: '370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb',
        tokenSecret: 'LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE',
      },
      {
        method: 'POST',
        url: 'https://api.twitter.com/1.1/statuses/update.json?include_entities=true',
        form: new URLSearchParams({ status: 'Hello Ladies + Gentlemen, a signed OAuth request!' }),
        now: 1_318_622_958_000,
        nonce: 'kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg',
      },
    );
    expect(header).toContain(`oauth_signature="${oauthEncode('hCtSmYh+iHYCEqBWrE7C7hYmtUk=')}"`);
  });
});
