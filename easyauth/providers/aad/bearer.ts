import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { InvalidTokenError } from '../../errors.js';
import type { BearerCaller } from '../provider.js';
import type { AadContext } from './context.js';
import { principalOf, userKeyOf } from './identity.js';

const memoryMs = 300_000;

/**
 * Checks bearer tokens (reference §7.2). A verified token is remembered by its hash for 5 minutes at most and never past its end.
 * The returned function throws InvalidTokenError and ProviderError.
 */
export function createBearerCheck(aad: AadContext): (token: string) => Promise<BearerCaller> {
  const known = new LRUCache<string, { caller: BearerCaller; until: number }>({ max: 5_000 });
  const audiences = [aad.settings.clientId, ...aad.settings.allowedAudiences];
  return async (token) => {
    const key = hash('sha256', token, 'base64');
    const remembered = known.get(key);
    if (remembered !== undefined && aad.now() < remembered.until) return remembered.caller;
    const payload = await aad.verify(token, audiences);
    if (aad.settings.requireServicePrincipal && typeof payload.oid !== 'string')
      throw new InvalidTokenError('the token has no object id');
    const caller = { user: userKeyOf(payload), principal: principalOf(payload, aad.claimStyle) };
    known.set(key, { caller, until: Math.min((payload.exp ?? 0) * 1000, aad.now() + memoryMs) });
    return caller;
  };
}
