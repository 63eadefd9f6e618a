import { Refusal } from '../domain/errors.js';
import type { Clock, GrantStore } from '../ports.js';
import type { GrantType } from './grant_type.js';
import { heldByGrantId } from './held_grant.js';

/** RFC 6749 §6 with a `grant_id` as the refresh token. It is not rotated: it carries no authority without client authentication. */
export function createRefreshTokenGrant(deps: { grants: GrantStore; clock: Clock }): GrantType {
  return {
    name: 'refresh_token',
    async held(parameters, client) {
      const grantId = parameters.get('refresh_token');
      if (grantId === undefined) {
        throw new Refusal('invalid_request', { description: 'refresh_token is missing' });
      }
      const found = await heldByGrantId(deps, grantId, client);
      if (!found.ok) {
        throw new Refusal('invalid_grant', {
          description: 'refresh_token is not a live grant of this client',
          reason: found.reason,
        });
      }
      return found.held;
    },
  };
}
