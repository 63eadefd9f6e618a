import { decodeJwt } from 'jose';
import type { SubjectTokenClaims, Tokens } from '../../ports.js';
import { otherIssuerOf, verifyOpenIdSubject } from './openid_subject_tokens.js';
import { mint, type OwnTokensDeps, verifyOwnToken } from './own_tokens.js';
import {
  membershipOf,
  type ProviderTokensDeps,
  subjectOf,
  type UserTokenRequest,
  verifyAppToken,
  verifyIdToken,
  verifyUserToken,
} from './provider_tokens.js';

export type TokensDeps = OwnTokensDeps & ProviderTokensDeps;

export function createTokens(deps: TokensDeps): Tokens {
  return {
    verifyIdToken: (provider, token, lateSeconds) => verifyIdToken(deps, provider, { token, lateSeconds }),
    subjectOf: (provider, idToken) => subjectOf(deps, provider, idToken),
    membershipOf: (provider, idToken) => membershipOf(deps, provider, idToken),
    verifyAppToken: (token) => verifyAppToken(deps, token),
    verifySubjectToken: (request) => verifySubjectToken(deps, request),
    verifyOwnToken: (token) => verifyOwnToken(deps, token),
    mint: (request) => mint(deps, request),
    publicKeys: async () => ({ keys: (await deps.keyRing.published()).map((key) => ({ ...key })) }),
  };
}

/** Whose rules apply is the token's own word (`iss`), which the check under those rules then proves. */
async function verifySubjectToken(deps: TokensDeps, request: UserTokenRequest): Promise<SubjectTokenClaims> {
  const issuer = issuerOf(request.token);
  const other = otherIssuerOf(deps, issuer);
  if (other) return verifyOpenIdSubject(deps, other, request);
  if (issuer !== deps.issuer || request.kind === 'id_token') return verifyUserToken(deps, request);
  const claims = await verifyOwnToken(deps, request.token);
  const { subject, expiresAt, act, mayAct } = claims;
  return {
    subject,
    expiresAt,
    own: claims,
    ...(act === undefined ? {} : { act }),
    ...(mayAct === undefined ? {} : { mayAct }),
  };
}

function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}
