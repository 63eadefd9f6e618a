import type { SubjectTokenClaims } from '../../ports.js';
import type { ConfiguredProvider } from '../provider/provider.js';
import {
  issuersOf,
  type ProviderTokensDeps,
  SKEW_SECONDS,
  type UserTokenRequest,
  unauthenticated,
  verify,
} from './provider_tokens.js';

/** The provider beside Entra that a token says it is of; the check under its rules proves it or not. */
export function otherIssuerOf(
  { providers }: ProviderTokensDeps,
  issuer: string | undefined,
): ConfiguredProvider | undefined {
  if (issuer === undefined) return undefined;
  return [...providers.values()].find(
    (provider) => provider.rules.name !== 'aad' && provider.documents && issuersOf(provider).includes(issuer),
  );
}

/**
 * A user's own ID token of Google or a custom provider, presented while the user is there. Access tokens of these providers are opaque or
 * meant for others. Its audience must be among those policy allows the client, by name: none is by itself.
 */
export async function verifyOpenIdSubject(
  deps: ProviderTokensDeps,
  provider: ConfiguredProvider,
  { token, kind, audiences }: UserTokenRequest,
): Promise<SubjectTokenClaims> {
  if (kind === 'access_token') throw unauthenticated('the token is not of the type it is called');
  const claims = await verify(deps, provider, token, {
    issuer: issuersOf(provider),
    audience: [...audiences],
    clockTolerance: SKEW_SECONDS,
    requiredClaims: ['exp', 'iat'],
  });
  const { aud } = claims;
  if (typeof aud !== 'string' || !provider.rules.isIdToken(claims, aud)) {
    throw unauthenticated('the token is no ID token');
  }
  const subject = provider.rules.subjectOf(claims);
  if (!subject) throw unauthenticated('the token does not name its user');
  return { subject, expiresAt: (claims.exp ?? 0) * 1000 };
}
