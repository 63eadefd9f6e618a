import type { JWTPayload } from 'jose';
import { type ClaimStyle, claimType, toClaims } from '../../identity/claim_types.js';
import type { Principal } from '../../identity/principal.js';
import { userKey } from '../user_key.js';

function text(payload: JWTPayload, name: string): string | undefined {
  const value = payload[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Claims that can name a person, best first, with the type the app sees them under. */
const nameClaims: readonly (readonly [string, string])[] = [
  ['email', claimType.email],
  ['upn', claimType.upn],
  ['unique_name', claimType.name],
  ['preferred_username', 'preferred_username'],
  ['name', 'name'],
];

/** Whether an application speaks for itself: it has no user, hence no delegated scope. */
export function isAppOnly(payload: JWTPayload): boolean {
  if (payload.idtyp !== undefined) return payload.idtyp === 'app';
  const named = nameClaims.some(([name]) => text(payload, name) !== undefined);
  return text(payload, 'scp') === undefined && !named && text(payload, 'oid') === payload.sub;
}

/** The caller a token speaks for. A user always has a name, because App Service libraries require that header of users. */
export function principalOf(payload: JWTPayload, style: ClaimStyle): Principal {
  const id = text(payload, 'oid') ?? payload.sub ?? '';
  const best = nameClaims.find(([name]) => text(payload, name) !== undefined);
  const named = best === undefined ? id : (text(payload, best[0]) ?? id);
  return {
    provider: 'aad',
    id,
    name: isAppOnly(payload) ? undefined : named,
    nameType: best?.[1] ?? claimType.name,
    roleType: claimType.role,
    claims: toClaims(payload, style),
  };
}

/** `user_id` of `/.auth/me`: the readable name, not the object id (reference §3.1). */
export function userIdOf(payload: JWTPayload): string {
  const readable = nameClaims.slice(0, 4).map(([name]) => text(payload, name));
  return readable.find((value) => value !== undefined) ?? text(payload, 'oid') ?? payload.sub ?? '';
}

/** The user's key in the token store: tenant and object id, else issuer and subject. */
export function userKeyOf(payload: JWTPayload): string {
  const tid = text(payload, 'tid');
  const oid = text(payload, 'oid');
  return tid !== undefined && oid !== undefined
    ? userKey('aad', tid.toLowerCase(), oid.toLowerCase())
    : userKey('aad', payload.iss ?? '', payload.sub ?? '');
}
