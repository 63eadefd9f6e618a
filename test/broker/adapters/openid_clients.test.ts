import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHttpClient } from '../../../shared/adapters/http_client.js';
import { subjectOf } from '../../../shared/adapters/jose/provider_tokens.js';
import { createCredentialForm } from '../../../shared/adapters/provider/app_credential.js';
import { createProviderDocuments } from '../../../shared/adapters/provider/metadata.js';
import { createProvider } from '../../../shared/adapters/provider/provider.js';
import type { ProviderAnswer, ProviderTokens } from '../../../shared/ports.js';
import { google } from '../../../shared/providers/google.js';
import { openIdRules } from '../../../shared/providers/openid.js';
import type { ProviderRules } from '../../../shared/providers/rules.js';
import { DRIVE, GOOGLE_CLIENT, googleApp } from '../../identity_provider/support/google.js';
import { field } from '../../identity_provider/support/provider.js';
import {
  CLIENT_SECRET,
  type SocialProvider,
  startSocialProvider,
} from '../../identity_provider/support/social.js';
import { settings } from '../support/issuer.js';
import { replies, type ScriptedServer, startScripted } from '../support/scripted_server.js';

const CREDENTIAL = { scope: [] };

function clientOf(rules: ProviderRules, issuer: string, app: { clientId: string; secret: string }) {
  const http = createHttpClient();
  const credential = { secret: app.secret };
  const mine = { ...settings, name: rules.name, issuer, tenant: issuer, clientId: app.clientId, credential };
  const documents = createProviderDocuments(mine, { http, clock: () => 0 });
  const providers = new Map([[rules.name, { settings: mine, rules, documents }]]);
  const credentialForm = createCredentialForm(() => Promise.reject(new Error('no managed identity here')));
  const provider = createProvider(providers, { http, credentialForm, facades: new Map() });
  const subject = { provider: rules.name, tenant: issuer, id: 'x' };
  return {
    prove: (token: string) => provider.prove(subject, token),
    refresh: (token: string, ...scope: string[]) =>
      provider.refresh(
        subject,
        token,
        scope.length === 0 ? CREDENTIAL : { resource: 'https://r.test', scope },
      ),
    revoke: (token: string) => provider.revoke(rules.name, token),
    /** Whom an answer names, as the flows find it. */
    named: ({ subject: asked, idToken }: ProviderTokens) =>
      asked ?? (idToken && subjectOf({ providers, clock: () => 0 }, rules.name, idToken)),
  };
}

function tokensOf(answer: ProviderAnswer): ProviderTokens {
  if (!answer.ok) throw new Error(`refused: ${JSON.stringify(answer.failure)}`);
  return answer.tokens;
}

function verdictOf(rules: ProviderRules, answer: ProviderAnswer): string {
  if (answer.ok) return 'alive';
  const verdict = rules.classify(answer.failure, undefined);
  return `${verdict.class}${verdict.opensCircuit ? ', circuit' : ''}: ${answer.failure.error}`;
}

describe("Google's refresh token", () => {
  let idp: SocialProvider;
  let app: ReturnType<typeof googleApp>;
  beforeAll(async () => {
    idp = await startSocialProvider();
    app = googleApp(idp);
  });
  afterAll(() => idp.stop());
  beforeEach(() => idp.admin('POST', '/reset', {}));
  const client = (secret = CLIENT_SECRET) =>
    clientOf(google, `${idp.url}/google`, { clientId: GOOGLE_CLIENT, secret });
  const signIn = async () => field(await app.signIn(), 'refresh_token');

  it('names its user, stays the credential, and gives no more than was asked', async () => {
    const token = await signIn();
    const proven = tokensOf(await client().prove(token));
    expect(client().named(proven)).toMatchObject({ provider: 'google', tenant: `${idp.url}/google` });
    expect([proven.refreshToken, proven.scope]).toEqual([undefined, []]);
    const drive = tokensOf(await client().refresh(token, DRIVE));
    expect(drive.scope).toEqual([DRIVE]);
    expect(client().named(drive)).toEqual(client().named(proven));
    expect(tokensOf(await client().refresh(token, 'email')).scope).toEqual(['email']);
  });

  it('for what the user has not allowed is our mistake, and ends nothing', async () => {
    const answer = await client().refresh(await signIn(), 'https://mail.google.com/');
    expect(verdictOf(google, answer)).toBe('broker_misconfigured: invalid_scope');
  });

  it.each([
    ['revoked', () => idp.knob('revoke'), 'grant_dead: invalid_grant'],
    ['under session control', () => idp.knob('require-mfa'), 'user_action_required: invalid_grant'],
    ['unused for half a year', async () => (idp.clock.now += 181 * 86_400_000), 'grant_dead: invalid_grant'],
  ])('%s: %s', async (_, happens, verdict) => {
    const token = await signIn();
    await happens();
    expect(verdictOf(google, await client().refresh(token))).toBe(verdict);
  });

  it('with a wrong secret of ours opens the circuit', async () => {
    const answer = await client('wrong').refresh(await signIn());
    expect(verdictOf(google, answer)).toBe('broker_misconfigured, circuit: invalid_client');
  });

  it('is revoked at Google, and revoking it twice is no failure', async () => {
    const token = await signIn();
    expect(await client().revoke(token)).toBe('revoked');
    expect(verdictOf(google, await client().refresh(token))).toBe('grant_dead: invalid_grant');
    expect(await client().revoke(token)).toBe('revoked');
  });
});

describe('a custom provider', () => {
  const rules = openIdRules({ name: 'contoso', rotation: 'replace-keep-old' });
  let server: ScriptedServer;
  beforeAll(async () => {
    server = await startScripted();
  });
  afterAll(() => server.close());

  /** Answers by path; what is not named is 500. */
  function playing(paths: Readonly<Record<string, readonly [number, unknown]>>, metadata: object = {}) {
    const bodies: Record<string, string> = {};
    server.answer((request, response, body) => {
      const { origin } = server;
      const path = request.url ?? '';
      const document = {
        issuer: origin,
        token_endpoint: `${origin}/token`,
        jwks_uri: `${origin}/keys`,
        ...metadata,
      };
      const known = path.endsWith('openid-configuration') ? ([200, document] as const) : paths[path];
      bodies[path] = body;
      replies(known?.[0] ?? 500, known?.[1] ?? {})(request, response, body);
    });
    return { bodies, ...clientOf(rules, server.origin, { clientId: 'app', secret: 'canary' }) };
  }
  const TOKENS = { access_token: 'at', token_type: 'Bearer', expires_in: 60, refresh_token: 'next' };

  it('that sends no ID token is asked who it is, with the new access token', async () => {
    const metadata = { userinfo_endpoint: `${server.origin}/me` };
    const played = playing({ '/token': [200, TOKENS], '/me': [200, { sub: 'ida' }] }, metadata);
    const tokens = tokensOf(await played.refresh('old', 'files.read'));
    expect(played.named(tokens)).toEqual({ provider: 'contoso', tenant: server.origin, id: 'ida' });
    expect(tokens).toMatchObject({ refreshToken: 'next', scope: ['files.read'] });
    expect(played.bodies['/token']).toContain('scope=openid+files.read');
  });

  it.each([
    ['has no such place', {}, [200, { sub: 'ida' }]],
    ['does not answer there', { userinfo_endpoint: '/me' }, [500, {}]],
    ['names nobody there', { userinfo_endpoint: '/me' }, [200, {}]],
    ['names a place elsewhere', { userinfo_endpoint: 'https://evil.test/me' }, [200, { sub: 'ida' }]],
  ] as const)('that %s leaves it unnamed, and the successor is not lost', async (_, named, answer) => {
    const place =
      'userinfo_endpoint' in named ? new URL(named.userinfo_endpoint, server.origin).href : undefined;
    const metadata = place === undefined ? {} : { userinfo_endpoint: place };
    const played = playing({ '/token': [200, TOKENS], '/me': answer }, metadata);
    const tokens = tokensOf(await played.refresh('old'));
    expect(played.named(tokens)).toBeUndefined();
    expect(tokens.refreshToken).toBe('next');
  });

  it('is asked to revoke as RFC 7009 says, where its metadata names where', async () => {
    const metadata = { revocation_endpoint: `${server.origin}/revoke` };
    const played = playing({ '/revoke': [200, {}] }, metadata);
    expect(await played.revoke('the token')).toBe('revoked');
    expect(Object.fromEntries(new URLSearchParams(played.bodies['/revoke']))).toEqual({
      token: 'the token',
      token_type_hint: 'refresh_token',
      client_id: 'app',
      client_secret: 'canary',
    });
    expect(await playing({ '/revoke': [503, {}] }, metadata).revoke('t')).toBe('failed');
    expect(await playing({}).revoke('t')).toBe('not_supported');
  });
});
