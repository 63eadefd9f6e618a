import { KeyObject } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { createTokens } from '../../../shared/adapters/jose/tokens.js';
import { digest } from '../../../shared/domain/digest.js';
import { type Grant, newGrantId } from '../../../shared/domain/grant.js';
import { narrow } from '../../../shared/domain/narrowing.js';
import { scopeOf } from '../../../shared/domain/scope.js';
import type { Subject } from '../../../shared/domain/subject.js';
import { createTokenExchangeGrant } from '../../../shared/grant_types/token_exchange.js';
import type { ClientPolicy } from '../../../shared/policy.js';
import type { Binding, GrantStore } from '../../../shared/ports.js';
import { aad } from '../../../shared/providers/aad.js';

export const ISSUER = 'https://broker.test';
export const TENANT = '11111111-1111-4111-8111-111111111111';
export const PROVIDER_ISSUER = `https://login.microsoftonline.com/${TENANT}/v2.0`;
export const BROKER_APP = '22222222-2222-4222-8222-222222222222';
export const ORDERS = 'api://orders';
export const ALICE: Subject = { provider: 'aad', tenant: TENANT, id: 'a11ce' };
export const NOW = Date.UTC(2026, 10, 23);

export function client(clientId: string, more: Partial<ClientPolicy> = {}): ClientPolicy {
  return {
    clientId,
    name: clientId,
    secrets: [],
    entraAppId: `app-${clientId}`,
    resources: new Map([[ORDERS, scopeOf(['a', 'b', 'c', 'd'])]]),
    maxGrantSeconds: 3600,
    serves: [],
    actors: [],
    redirectUris: [],
    certificates: [],
    certificateBoundTokens: false,
    ...more,
  };
}

/** Made once: an RSA key takes longer to make than all that is done with it. */
const KEYS = Promise.all([generateKeyPair('RS256'), generateKeyPair('ES256', { extractable: true })]).then(
  ([provider, own]) => ({ provider, own }),
);

/** The exchange with real tokens and keys, and grants in memory. */
export async function createBench(clients: readonly ClientPolicy[]) {
  const { provider, own } = await KEYS;
  const providerKeys = { keys: [{ ...(await exportJWK(provider.publicKey)), kid: 'p' }] };
  const ownKey = { ...(await exportJWK(own.publicKey)), kid: 'o', alg: 'ES256' };
  const document = <T>(value: T) => ({ get: async () => value, reload: async () => value });
  const settings = {
    name: 'aad',
    issuer: PROVIDER_ISSUER,
    tenant: TENANT,
    rolesCount: true,
    clientId: BROKER_APP,
    credential: { secret: 'unused' },
    audiences: [BROKER_APP, 'api://token-broker'],
  };
  const metadata = { issuer: PROVIDER_ISSUER, tokenEndpoint: '', jwksUri: '' };
  const documents = { metadata: document(metadata), keys: document(providerKeys) };
  let now = NOW;
  let ids = 0;
  const tokens = createTokens({
    issuer: ISSUER,
    providers: new Map([['aad', { settings, rules: aad, documents }]]),
    keyRing: {
      signer: async () => ({ kid: 'o', key: KeyObject.from(own.privateKey) }),
      published: async () => [ownKey],
    },
    clock: () => now,
    random: { uuid: () => `id-${++ids}`, bytes: (count) => new Uint8Array(count) },
  });
  const grants: Grant[] = [];
  const revoked = new Set<string>();
  const store: Pick<GrantStore, 'find' | 'ofSubject'> = {
    find: async (grantId) => {
      const value = grants.find((grant) => grant.grantId === grantId);
      return value && { value, etag: '' };
    },
    ofSubject: async (subject) =>
      grants.filter((grant) => grant.subject.id === subject.id).map((value) => ({ value, etag: '' })),
  };
  const exchange = createTokenExchangeGrant({
    tokens,
    grants: store as GrantStore,
    revoked: { add: async (id) => void revoked.add(id), has: async (id) => revoked.has(id) },
    clock: () => now,
    issuer: ISSUER,
    audiences: settings.audiences,
    clientsByAppId: new Map(clients.map((known) => [known.entraAppId ?? '', known])),
  });

  const held = (who: ClientPolicy, parameters: Record<string, string>, binding?: Binding) =>
    exchange.held(new Map(Object.entries({ resource: ORDERS, ...parameters })), who, {
      binding,
      correlationId: 'test',
    });
  return {
    held,
    tokens,
    revoked,
    step: (ms: number) => {
      now += ms;
    },
    allow(who: ClientPolicy, scope: readonly string[], seconds = 3600, subject = ALICE): Grant {
      const grant = {
        grantId: newGrantId(subject, Buffer.from(digest(String(grants.length)))),
        subject,
        clientId: who.clientId,
        resource: ORDERS,
        scope: scopeOf(scope),
        createdAt: now,
        expiresAt: now + seconds * 1000,
      };
      grants.push(grant);
      return grant;
    },
    end({ grantId }: Grant): void {
      const index = grants.findIndex((grant) => grant.grantId === grantId);
      const grant = grants[index];
      if (!grant) throw new Error('no such grant');
      grants[index] = { ...grant, ended: { at: now, by: 'subject' } };
    },
    /** A token of the provider's, with Alice's claims unless others are given. */
    providerToken(claims: JWTPayload = {}, header: { alg: string } = { alg: 'RS256' }): Promise<string> {
      const seconds = Math.floor(now / 1000);
      return new SignJWT({
        iss: PROVIDER_ISSUER,
        aud: 'api://token-broker',
        iat: seconds,
        exp: seconds + 3600,
        tid: TENANT,
        oid: ALICE.id,
        sub: 'pairwise',
        scp: 'user_impersonation',
        ...claims,
      })
        .setProtectedHeader({ ...header, kid: 'p' })
        .sign(provider.privateKey);
    },
    /** Exchange, narrow and mint, as the token endpoint does. */
    async issue(who: ClientPolicy, parameters: Record<string, string>, scope?: readonly string[]) {
      const narrowed = narrow(
        {
          held: await held(who, parameters),
          clientId: who.clientId,
          resource: ORDERS,
          scope: scope && scopeOf(scope),
        },
        { clientScope: who.resources.get(ORDERS), resourceScope: scopeOf(['a', 'b', 'c', 'd']) },
      );
      const lifetimeSeconds = Math.min(600, Math.floor((narrowed.expiresAt - now) / 1000));
      const minted = await tokens.mint({ ...narrowed, lifetimeSeconds });
      return { token: minted.token, claims: await tokens.verifyOwnToken(minted.token) };
    },
  };
}

export type Bench = Awaited<ReturnType<typeof createBench>>;

const TYPE = 'urn:ietf:params:oauth:token-type:';

export function subjectToken(token: string, type = 'access_token'): Record<string, string> {
  return { subject_token: token, subject_token_type: `${TYPE}${type}` };
}

export function actorToken(token: string, type = 'jwt'): Record<string, string> {
  return { actor_token: token, actor_token_type: `${TYPE}${type}` };
}
