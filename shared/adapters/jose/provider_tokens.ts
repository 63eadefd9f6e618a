import { decodeJwt, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { readActor } from '../../domain/actor.js';
import { Refusal, unavailable } from '../../domain/errors.js';
import { groupsOf, type Membership } from '../../domain/membership.js';
import type { Subject } from '../../domain/subject.js';
import type { AppTokenClaims, Clock, SubjectTokenClaims } from '../../ports.js';
import { type ConfiguredProvider, inTenant } from '../provider/provider.js';
import { keySetOf } from './key_set.js';
import { assertPlainType } from './token_type.js';

export interface ProviderTokensDeps {
  readonly providers: ReadonlyMap<string, ConfiguredProvider>;
  readonly clock: Clock;
}

export const SKEW_SECONDS = 60;
export const MAX_TOKEN_CHARS = 16_384;

/** @see Tokens.verifyIdToken */
export async function verifyIdToken(
  deps: ProviderTokensDeps,
  name: string,
  { token, lateSeconds }: { token: string; lateSeconds: number },
) {
  const provider = providerOf(deps, name, token);
  const claims = await verify(deps, provider, token, {
    issuer: issuersOf(provider),
    audience: provider.settings.clientId,
    clockTolerance: lateSeconds + SKEW_SECONDS,
    requiredClaims: ['exp', 'iat'],
  });
  const now = deps.clock() / 1000;
  // The tolerance above is for a late `exp` alone: a token from the future is still none.
  if (Math.max(claims.iat ?? 0, claims.nbf ?? 0) > now + SKEW_SECONDS) {
    throw unauthenticated('the ID token is not valid yet');
  }
  if (!provider.rules.isIdToken(claims, provider.settings.clientId))
    throw unauthenticated('the token is no ID token');
  const subject = provider.rules.subjectOf(claims);
  if (!subject) throw unauthenticated('the ID token does not name its user');
  assertTenant(provider, subject.tenant);
  const membership = membershipIn(provider, claims);
  return {
    subject,
    roles: membership.roles ?? [],
    membership,
    ...(typeof claims.name === 'string' ? { name: claims.name } : {}),
  };
}

/**
 * The provider, as the tenant that the token names has it: whose keys and issuer it is checked under is its own word, which the check then
 * proves.
 */
function providerOf(deps: ProviderTokensDeps, name: string, token: string): ConfiguredProvider {
  if (token.length > MAX_TOKEN_CHARS) throw unauthenticated('the token is too long');
  const provider = named(deps, name, decoded(token) ?? {});
  if (!provider) throw unauthenticated('the token is of a provider or tenant that is not configured');
  return provider;
}

function named({ providers }: ProviderTokensDeps, name: string, { tid }: JWTPayload) {
  const provider = providers.get(name);
  return provider && inTenant(provider, typeof tid === 'string' ? tid : undefined);
}

/** Whoever administers another tenant assigns roles there, to this broker's app too: they say nothing here. */
function rolesOf({ settings }: ConfiguredProvider, { roles }: JWTPayload): readonly string[] {
  return settings.rolesCount ? strings(roles) : [];
}

/** As configured, and the other spellings this provider is known to use. */
export function issuersOf({ settings, rules }: ConfiguredProvider): string[] {
  return [settings.issuer, ...(rules.otherIssuers?.(settings.issuer) ?? [])];
}

/** @see Tokens.subjectOf */
export function subjectOf(deps: ProviderTokensDeps, name: string, idToken: string): Subject | undefined {
  const claims = decoded(idToken);
  const provider = claims && ownerOf(deps, name, claims);
  return provider?.rules.subjectOf(claims ?? {});
}

/** @see Tokens.membershipOf */
export function membershipOf(
  deps: ProviderTokensDeps,
  name: string,
  idToken: string,
): Membership | undefined {
  const claims = decoded(idToken);
  const provider = claims && ownerOf(deps, name, claims);
  return provider && membershipIn(provider, claims ?? {});
}

/** The provider whose ID token for this app the claims are of. */
function ownerOf(deps: ProviderTokensDeps, name: string, claims: JWTPayload): ConfiguredProvider | undefined {
  const provider = named(deps, name, claims);
  if (!provider) return undefined;
  const ours = issuersOf(provider).includes(claims.iss ?? '') && claims.aud === provider.settings.clientId;
  return ours ? provider : undefined;
}

/** Groups count where roles do: a name of a group means nothing out of the mouth of another directory. */
function membershipIn(provider: ConfiguredProvider, claims: JWTPayload): Membership {
  const groups = provider.settings.rolesCount ? groupsOf(claims) : undefined;
  return { roles: rolesOf(provider, claims), ...(groups === undefined ? {} : { groups }) };
}

function decoded(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

/** Of one tenant, or where there are several of the home tenant. @see Tokens.verifyAppToken */
export async function verifyAppToken(deps: ProviderTokensDeps, token: string): Promise<AppTokenClaims> {
  const provider = providerOf(deps, 'aad', token);
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
  assertHome(provider);
  return {
    appId,
    tenant: claims.tid,
    roles: rolesOf(provider, claims),
    expiresAt: (claims.exp ?? 0) * 1000,
  };
}

/** What a provider's user token must be: an access token or an ID token for one of these audiences. */
export interface UserTokenRequest {
  readonly token: string;
  readonly kind: 'access_token' | 'id_token' | 'jwt';
  readonly audiences: readonly string[];
}

/**
 * A user's own token, presented while the user is there. Whether it is an access token follows from its `scp`, and a request that calls it
 * by the other name is refused: the name must not decide how a token is checked.
 */
export async function verifyUserToken(
  deps: ProviderTokensDeps,
  { token, kind, audiences }: UserTokenRequest,
): Promise<SubjectTokenClaims> {
  const provider = providerOf(deps, 'aad', token);
  const { issuer, tenant } = provider.settings;
  const claims = await verify(deps, provider, token, {
    issuer: [issuer, versionOneIssuer(issuer, tenant)],
    audience: [...audiences],
    clockTolerance: SKEW_SECONDS,
    requiredClaims: ['exp', 'iat'],
  });
  const isAccessToken = typeof claims.scp === 'string' && claims.scp !== '';
  if (kind !== 'jwt' && isAccessToken !== (kind === 'access_token')) {
    throw unauthenticated('the token is not of the type it is called');
  }
  if (!isAccessToken && isAppOnly(claims)) throw unauthenticated('the token is of an app, not of a user');
  const subject = provider.rules.subjectOf(claims);
  if (!subject) throw unauthenticated('the token does not name its user');
  assertTenant(provider, subject.tenant);
  const act = readActor(claims.act);
  return {
    subject,
    expiresAt: (claims.exp ?? 0) * 1000,
    membership: presentedMembership(provider, claims),
    ...(act === undefined ? {} : { act }),
    ...(claims.may_act === undefined ? {} : { mayAct: claims.may_act }),
  };
}

/** Roles are those of the app the token is for: another app's say nothing here. What is not in the token is not said. */
function presentedMembership(provider: ConfiguredProvider, claims: JWTPayload): Membership {
  const { clientId, audiences } = provider.settings;
  const { roles, ...said } = membershipIn(provider, claims);
  const isForUs = [clientId, ...audiences].some((audience) => audience === claims.aud);
  return { ...said, ...(isForUs && claims.roles !== undefined && roles ? { roles } : {}) };
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

/**
 * An app id says which app it is in its own tenant only: whoever administers another that it is used from can give it a credential there,
 * and so be every client of that id.
 */
function assertHome({ settings }: ConfiguredProvider): void {
  if (!settings.rolesCount) throw unauthenticated('app tokens count from the home tenant only');
}

/** Signature, and the claims named in the options. @throws Refusal `unauthenticated`, or `temporarily_unavailable` without keys */
export async function verify(
  deps: ProviderTokensDeps,
  provider: ConfiguredProvider,
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  const { documents } = provider;
  if (!documents) throw unauthenticated('this provider signs no tokens');
  const check = async (forced: boolean) => {
    const { keys } = documents;
    const set = await (forced ? keys.reload() : keys.get()).catch((error: unknown) => {
      throw unavailable('the identity provider keys cannot be had', 30, error);
    });
    return jwtVerify(token, keySetOf(set), {
      ...options,
      algorithms: [...provider.rules.signatures],
      currentDate: new Date(deps.clock()),
    });
  };
  try {
    const verified = await check(false).catch((error: unknown) => {
      if (error instanceof errors.JWKSNoMatchingKey) return check(true);
      throw error;
    });
    assertPlainType(verified.protectedHeader);
    return verified.payload;
  } catch (error) {
    if (error instanceof errors.JOSEError)
      throw unauthenticated(`the token is refused: ${error.code}`, error);
    throw error;
  }
}

export function unauthenticated(reason: string, cause?: unknown): Refusal {
  return new Refusal('unauthenticated', { description: 'the caller is not signed in', reason, cause });
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
