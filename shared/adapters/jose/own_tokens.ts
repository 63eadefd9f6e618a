import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { readActor } from '../../domain/actor.js';
import { confirmationOf, readConfirmation } from '../../domain/binding.js';
import { formatScope, scopeOf } from '../../domain/scope.js';
import { type Subject, subjectName } from '../../domain/subject.js';
import type { Binding, Clock, MintedToken, MintRequest, OwnTokenClaims, Random } from '../../ports.js';
import { signCompact } from './compact_jws.js';
import { type KeyRing, MINT_ALGORITHM } from './key_ring.js';
import { MAX_TOKEN_CHARS, unauthenticated } from './provider_tokens.js';

export interface OwnTokensDeps {
  readonly issuer: string;
  readonly keyRing: KeyRing;
  readonly clock: Clock;
  readonly random: Random;
}

const TYPE = 'at+jwt';

/** RFC 9068 §2: `typ: at+jwt`, one audience, and no claim that policy does not know. `act` is who acts (RFC 8693 §4.1). */
export async function mint(deps: OwnTokensDeps, request: MintRequest): Promise<MintedToken> {
  const { subject, clientId, lifetimeSeconds } = request;
  const signer = await deps.keyRing.signer();
  const now = Math.floor(deps.clock() / 1000);
  const id = deps.random.uuid();
  const token = signCompact(signer, TYPE, {
    iss: deps.issuer,
    sub: subjectName(subject),
    aud: request.resource,
    client_id: clientId,
    scope: formatScope(request.scope),
    act: request.act,
    ...(request.mayAct === undefined ? {} : { may_act: request.mayAct }),
    ...(request.binding ? { cnf: confirmationOf(request.binding) } : {}),
    tid: subject.tenant,
    oid: subject.id,
    iat: now,
    exp: now + lifetimeSeconds,
    jti: id,
  });
  return { token, id, expiresIn: lifetimeSeconds };
}

/** @see Tokens.verifyOwnToken */
export async function verifyOwnToken(deps: OwnTokensDeps, token: string): Promise<OwnTokenClaims> {
  if (token.length > MAX_TOKEN_CHARS) throw unauthenticated('the token is too long');
  const keys = createLocalJWKSet({ keys: [...(await deps.keyRing.published())] });
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: deps.issuer,
      typ: TYPE,
      algorithms: [MINT_ALGORITHM],
      requiredClaims: ['exp', 'iat', 'jti', 'sub', 'aud', 'client_id', 'scope'],
      currentDate: new Date(deps.clock()),
    });
    return readClaims(payload);
  } catch (error) {
    if (error instanceof errors.JOSEError)
      throw unauthenticated(`the token is refused: ${error.code}`, error);
    throw error;
  }
}

function readClaims(claims: JWTPayload): OwnTokenClaims {
  const { aud, jti, exp, iat, client_id: clientId, scope, tid, oid, may_act: mayAct } = claims;
  const subject = subjectOf(claims.sub, tid, oid);
  const texts = typeof aud === 'string' && typeof clientId === 'string' && typeof scope === 'string';
  if (!texts || !subject || jti === undefined || exp === undefined || iat === undefined) {
    throw unauthenticated('the token lacks a claim of ours');
  }
  const act = readActor(claims.act);
  const binding = bindingOf(claims.cnf);
  return {
    subject,
    id: jti,
    clientId,
    resource: aud,
    scope: scopeOf(scope.split(' ')),
    issuedAt: iat * 1000,
    expiresAt: exp * 1000,
    ...(act === undefined ? {} : { act }),
    ...(mayAct === undefined ? {} : { mayAct }),
    ...(binding === undefined ? {} : { binding }),
  };
}

function bindingOf(cnf: unknown): Binding | undefined {
  if (cnf === undefined) return undefined;
  const binding = readConfirmation(cnf);
  if (!binding) throw unauthenticated('the token is bound in a way that is not known here');
  return binding;
}

function subjectOf(name: string | undefined, tenant: unknown, id: unknown): Subject | undefined {
  if (name === undefined || typeof tenant !== 'string' || typeof id !== 'string') return undefined;
  const subject = { provider: name.slice(0, name.indexOf(':')), tenant, id };
  return subjectName(subject) === name ? subject : undefined;
}
