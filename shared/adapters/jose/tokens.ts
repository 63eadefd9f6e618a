import {
  createLocalJWKSet,
  decodeJwt,
  errors,
  type JWTPayload,
  type JWTVerifyOptions,
  jwtVerify,
  SignJWT,
} from 'jose';
import { Refusal, unavailable } from '../../domain/errors.js';
import { formatScope } from '../../domain/scope.js';
import { type Subject, subjectName } from '../../domain/subject.js';
import type { AppTokenClaims, Clock, MintRequest, Random, Tokens } from '../../ports.js';
import type { ConfiguredProvider } from '../provider/token_client.js';
import { type KeyRing, MINT_ALGORITHM } from './key_ring.js';

export interface TokensDeps {
  readonly issuer: string;
  readonly providers: ReadonlyMap<string, ConfiguredProvider>;
  readonly keyRing: KeyRing;
  readonly clock: Clock;
  readonly random: Random;
}

const SKEW_SECONDS = 60;
const MAX_TOKEN_CHARS = 16_384;
/** Entra signs with RS256; a fixed list, so that no token chooses how it is checked. */
const PROVIDER_ALGORITHMS = ['RS256'];

export function createTokens(deps: TokensDeps): Tokens {
  return {
    verifyIdToken: (provider, token, lateSeconds) => verifyIdToken(deps, provider, { token, lateSeconds }),
    subjectOf: (provider, idToken) => subjectOf(deps, provider, idToken),
    verifyAppToken: (token) => verifyAppToken(deps, token),
    mint: (request) => mint(deps, request),
    publicKeys: async () => ({ keys: (await deps.keyRing.published()).map((key) => ({ ...key })) }),
  };
}

async function verifyIdToken(
  deps: TokensDeps,
  name: string,
  { token, lateSeconds }: { token: string; lateSeconds: number },
) {
  const provider = deps.providers.get(name);
  if (!provider) throw unauthenticated('the session is of a provider that is not configured');
  const claims = await verify(deps, provider, token, {
    issuer: provider.settings.issuer,
    audience: provider.settings.clientId,
    clockTolerance: lateSeconds + SKEW_SECONDS,
    requiredClaims: ['exp', 'iat'],
  });
  const now = deps.clock() / 1000;
  // The tolerance above is for a late `exp` alone: a token from the future is still none.
  if (Math.max(claims.iat ?? 0, claims.nbf ?? 0) > now + SKEW_SECONDS) {
    throw unauthenticated('the ID token is not valid yet');
  }
  const subject = provider.rules.subjectOf(claims);
  if (!subject) throw unauthenticated('the ID token does not name its user');
  assertTenant(provider, subject.tenant);
  return {
    subject,
    roles: strings(claims.roles),
    ...(typeof claims.name === 'string' ? { name: claims.name } : {}),
  };
}

function subjectOf(deps: TokensDeps, name: string, idToken: string): Subject | undefined {
  const provider = deps.providers.get(name);
  const claims = decoded(idToken);
  if (!provider || !claims) return undefined;
  const ours = claims.iss === provider.settings.issuer && claims.aud === provider.settings.clientId;
  return ours ? provider.rules.subjectOf(claims) : undefined;
}

function decoded(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

async function verifyAppToken(deps: TokensDeps, token: string): Promise<AppTokenClaims> {
  const provider = deps.providers.get('aad');
  if (!provider) throw unauthenticated('no provider of app tokens is configured');
  const { issuer, audiences } = provider.settings;
  const claims = await verify(deps, provider, token, {
    issuer: [issuer, versionOneIssuer(issuer, provider.settings.tenant)],
    audience: [...audiences],
    clockTolerance: SKEW_SECONDS,
    requiredClaims: ['exp', 'iat'],
  });
  if (!isAppOnly(claims)) throw unauthenticated('the token is not an app-only token');
  const appId = claims.azp ?? claims.appid;
  if (typeof appId !== 'string' || typeof claims.tid !== 'string') {
    throw unauthenticated('the app token does not name its app');
  }
  assertTenant(provider, claims.tid);
  return { appId, tenant: claims.tid, roles: strings(claims.roles) };
}

/** User tokens carry `scp`; app tokens do not, and say `idtyp: app` or, where that claim is off, have `sub` equal to `oid`. */
function isAppOnly(claims: JWTPayload): boolean {
  if (claims.scp !== undefined || claims.nonce !== undefined) return false;
  if (claims.idtyp !== undefined) return claims.idtyp === 'app';
  return typeof claims.oid === 'string' && claims.sub === claims.oid;
}

/** The resource chooses the version of an access token: both issuers are the same tenant with the same keys. */
function versionOneIssuer(issuer: string, tenant: string): string {
  const { origin, hostname } = new URL(issuer);
  const base = hostname === 'login.microsoftonline.com' ? 'https://sts.windows.net' : origin;
  return `${base}/${tenant}/`;
}

function assertTenant(provider: ConfiguredProvider, tenant: string): void {
  if (tenant !== provider.settings.tenant) throw unauthenticated('the token is of another tenant');
}

async function verify(
  deps: TokensDeps,
  provider: ConfiguredProvider,
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  if (token.length > MAX_TOKEN_CHARS) throw unauthenticated('the token is too long');
  const check = async (keys: typeof provider.documents.keys, forced: boolean) => {
    const set = await (forced ? keys.reload() : keys.get()).catch((error: unknown) => {
      throw unavailable('the identity provider keys cannot be had', 30, error);
    });
    return jwtVerify(token, createLocalJWKSet(set), {
      ...options,
      algorithms: PROVIDER_ALGORITHMS,
      currentDate: new Date(deps.clock()),
    });
  };
  try {
    const { keys } = provider.documents;
    const verified = await check(keys, false).catch((error: unknown) => {
      if (error instanceof errors.JWKSNoMatchingKey) return check(keys, true);
      throw error;
    });
    return verified.payload;
  } catch (error) {
    if (error instanceof errors.JOSEError)
      throw unauthenticated(`the token is refused: ${error.code}`, error);
    throw error;
  }
}

function unauthenticated(reason: string, cause?: unknown): Refusal {
  return new Refusal('unauthenticated', { description: 'the caller is not signed in', reason, cause });
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** RFC 9068 §2: `typ: at+jwt`, one audience, and no claim that policy does not know. `act` is the client (RFC 8693 §4.1). */
async function mint(deps: TokensDeps, request: MintRequest) {
  const { subject, clientId, lifetimeSeconds } = request;
  const { kid, key } = await deps.keyRing.signer();
  const now = Math.floor(deps.clock() / 1000);
  const id = deps.random.uuid();
  const token = await new SignJWT({
    client_id: clientId,
    scope: formatScope(request.scope),
    act: { sub: clientId },
    tid: subject.tenant,
    oid: subject.id,
  })
    .setProtectedHeader({ alg: MINT_ALGORITHM, kid, typ: 'at+jwt' })
    .setIssuer(deps.issuer)
    .setSubject(subjectName(subject))
    .setAudience(request.resource)
    .setIssuedAt(now)
    .setExpirationTime(now + lifetimeSeconds)
    .setJti(id)
    .sign(key);
  return { token, id, expiresIn: lifetimeSeconds };
}
