import { decodeJwt, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import { Refusal, unavailable } from '../../domain/errors.js';
import type { ClientPolicy } from '../../policy.js';
import type { ClientAssertions, Clock } from '../../ports.js';
import type { HttpClient } from '../http_client.js';
import { createRemoteDocument, type RemoteDocument } from '../remote_document.js';
import { keySetOf } from './key_set.js';
import { MAX_TOKEN_CHARS } from './provider_tokens.js';
import { assertPlainType } from './token_type.js';

/** Asymmetric only: a shared secret has its own, simpler way. */
export const ASSERTION_ALGORITHMS = ['ES256', 'PS256', 'RS256', 'EdDSA'];
/** What newer clients call theirs. */
const ASSERTION_TYPE = 'client-authentication+jwt';
/** Longest life an assertion may have: as long its `jti` must be remembered, seconds. */
const MOST_LIFE_SECONDS = 600;
const SKEW_SECONDS = 30;
const TIMING = { freshMs: 10 * 60_000, staleMs: 24 * 3_600_000, cooldownMs: 30_000 };

interface Deps {
  readonly issuer: string;
  readonly clients: ReadonlyMap<string, ClientPolicy>;
  readonly http: HttpClient;
  readonly clock: Clock;
}

/** `private_key_jwt` (RFC 7523 §3, OpenID Connect Core §9): keys from policy, never from the token. */
export function createClientAssertions(deps: Deps): ClientAssertions {
  const keys = new Map<string, RemoteDocument<JSONWebKeySet>>();
  for (const client of deps.clients.values()) {
    const document = keysOf(deps, client);
    if (document) keys.set(client.clientId, document);
  }
  return {
    clientOf(token) {
      const issuer = issuerOf(token);
      return issuer !== undefined && keys.has(issuer) ? issuer : undefined;
    },
    async verify(clientId, token) {
      const document = keys.get(clientId);
      if (!document) throw refused('this client has no keys in policy');
      const claims = await verify(deps, document, { clientId, token });
      return {
        id: claims.jti ?? '',
        expiresAt: ((claims.exp ?? 0) + SKEW_SECONDS) * 1000,
        reusable: deps.clients.get(clientId)?.assertionReuse ?? false,
      };
    },
  };
}

function keysOf(
  { http, clock }: Deps,
  { publicKeys, jwksUri }: ClientPolicy,
): RemoteDocument<JSONWebKeySet> | undefined {
  if (publicKeys !== undefined) {
    const set = { keys: publicKeys.map((key) => ({ ...key })) } as JSONWebKeySet;
    return { get: async () => set, reload: async () => set };
  }
  if (jwksUri === undefined) return undefined;
  return createRemoteDocument({ ...TIMING, clock, load: () => loadKeys(http, jwksUri) });
}

async function loadKeys(http: HttpClient, url: string): Promise<JSONWebKeySet> {
  const answer = await http({ url, method: 'GET', timeoutMs: 5000 });
  if (answer.status !== 200) throw new Error(`the key set answered ${answer.status}`);
  const value: unknown = JSON.parse(answer.body);
  const keys: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'keys') : undefined;
  if (!Array.isArray(keys)) throw new Error('the key set has no keys');
  return { keys };
}

function issuerOf(token: string): string | undefined {
  try {
    return token.length <= MAX_TOKEN_CHARS ? decodeJwt(token).iss : undefined;
  } catch {
    return undefined;
  }
}

async function verify(
  deps: Deps,
  document: RemoteDocument<JSONWebKeySet>,
  { clientId, token }: { clientId: string; token: string },
): Promise<JWTPayload> {
  const check = async (load: () => Promise<JSONWebKeySet>) => {
    const set = await load().catch((error: unknown) => {
      throw unavailable('the keys of this client cannot be had', 30, error);
    });
    return jwtVerify(token, keySetOf(set), {
      issuer: clientId,
      subject: clientId,
      // The issuer, or the endpoint itself, which older clients name (RFC 7523 §3).
      audience: [deps.issuer, `${deps.issuer}/token`],
      algorithms: ASSERTION_ALGORITHMS,
      requiredClaims: ['exp', 'jti'],
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(deps.clock()),
    });
  };
  try {
    const { payload, protectedHeader } = await check(document.get).catch((error: unknown) => {
      if (error instanceof errors.JWKSNoMatchingKey) return check(document.reload);
      throw error;
    });
    assertPlainType(protectedHeader, [ASSERTION_TYPE]);
    return limited(payload, deps.clock());
  } catch (error) {
    if (error instanceof errors.JOSEError) throw refused(`the assertion is refused: ${error.code}`);
    throw error;
  }
}

function limited(claims: JWTPayload, now: number): JWTPayload {
  const { exp = 0, jti = '', aud } = claims;
  if (exp * 1000 - now > (MOST_LIFE_SECONDS + SKEW_SECONDS) * 1000)
    throw refused('the assertion lives too long');
  if (jti === '' || jti.length > 256) throw refused('the assertion has no usable jti');
  // One audience: an assertion that is also for somebody else could be replayed from there.
  if (Array.isArray(aud) && aud.length !== 1) throw refused('the assertion has more than one audience');
  return claims;
}

function refused(reason: string): Refusal {
  return new Refusal('invalid_client', { description: 'client authentication failed', reason });
}
