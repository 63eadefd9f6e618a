import { calculateJwkThumbprint, EmbeddedJWK, errors, type JWK, type JWTPayload, jwtVerify } from 'jose';
import { Refusal } from '../../domain/errors.js';
import type { Clock, DpopProofs, ReplayStore } from '../../ports.js';
import type { DpopNonces } from './dpop_nonces.js';
import { MAX_TOKEN_CHARS } from './provider_tokens.js';

export const DPOP_ALGORITHMS = ['ES256', 'PS256', 'RS256', 'EdDSA'];
/** A proof is good this long around its `iat`, and its `jti` remembered as long, seconds. */
const WINDOW_SECONDS = 60;

interface Deps {
  readonly replay: ReplayStore;
  readonly nonces: DpopNonces;
  readonly clock: Clock;
}

/** Proof of possession of a key (RFC 9449 §4.3), each check of that section in its order. */
export function createDpopProofs(deps: Deps): DpopProofs {
  return {
    async verify(proof, { method, uri }) {
      const { claims, jwk } = await open(deps, proof);
      if (claims.htm !== method) throw invalid('htm is not the method of the request');
      if (!sameUri(claims.htu, uri)) throw invalid('htu is not the address of the request');
      const now = deps.clock() / 1000;
      const { iat, jti } = claims;
      if (iat === undefined || Math.abs(now - iat) > WINDOW_SECONDS) throw invalid('iat is not recent');
      await assertNonce(deps.nonces, claims.nonce);
      if (typeof jti !== 'string' || jti === '' || jti.length > 256) throw invalid('jti is missing');
      const jkt = await calculateJwkThumbprint(jwk, 'sha256');
      const until = (iat + 2 * WINDOW_SECONDS) * 1000;
      if (!(await deps.replay.use(`dpop ${jkt}`, jti, until))) throw invalid('the proof was used before');
      return { jkt };
    },
    nonce: () => deps.nonces.current(),
  };
}

async function open(deps: Deps, proof: string): Promise<{ claims: JWTPayload; jwk: JWK }> {
  // Two headers arrive joined by a comma, which no JWT holds.
  if (proof.length > MAX_TOKEN_CHARS || proof.includes(',')) throw invalid('there must be exactly one proof');
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: DPOP_ALGORITHMS,
      currentDate: new Date(deps.clock()),
      clockTolerance: WINDOW_SECONDS,
    });
    const { jwk } = protectedHeader;
    if (!jwk || 'd' in jwk || 'k' in jwk) throw invalid('the proof must carry a public key');
    return { claims: payload, jwk };
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError)
      throw invalid('the proof cannot be verified');
    throw error;
  }
}

/** Compared without query and fragment, after normalisation (RFC 9449 §4.3 (9)); the request's own address comes from configuration. */
function sameUri(htu: unknown, uri: string): boolean {
  if (typeof htu !== 'string' || !URL.canParse(htu)) return false;
  const given = new URL(htu);
  const expected = new URL(uri);
  return given.origin === expected.origin && given.pathname === expected.pathname;
}

async function assertNonce(nonces: DpopNonces, nonce: unknown): Promise<void> {
  if (nonce === undefined && !nonces.required) return;
  if (await nonces.isGood(nonce)) return;
  throw new Refusal('use_dpop_nonce', {
    description: 'the proof needs the nonce given in DPoP-Nonce',
    headers: { 'DPoP-Nonce': await nonces.current() },
  });
}

function invalid(description: string): Refusal {
  return new Refusal('invalid_dpop_proof', { description: `DPoP: ${description}` });
}
