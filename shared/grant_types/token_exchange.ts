import { Refusal } from '../domain/errors.js';
import type { Clock, GrantStore } from '../ports.js';
import type { GrantType, TokenParameters } from './grant_type.js';
import { heldByGrantId } from './held_grant.js';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
export const ACCESS_TOKEN_TYPE = `${TOKEN_TYPE}access_token`;
const REFRESH_TOKEN_TYPE = `${TOKEN_TYPE}refresh_token`;

/** RFC 8693 with a `grant_id` as the subject token, of type refresh_token. */
export function createTokenExchangeGrant(deps: { grants: GrantStore; clock: Clock }): GrantType {
  return {
    name: TOKEN_EXCHANGE,
    async held(parameters, client) {
      const subjectToken = subjectTokenOf(parameters);
      const found = await heldByGrantId(deps, subjectToken, client);
      if (!found.ok) {
        // RFC 8693 §2.2.2: an unacceptable subject token is invalid_request, not invalid_grant.
        throw new Refusal('invalid_request', {
          description: 'subject_token is not a live grant of this client',
          reason: found.reason,
        });
      }
      return found.held;
    },
  };
}

function subjectTokenOf(parameters: TokenParameters): string {
  const token = parameters.get('subject_token');
  const type = parameters.get('subject_token_type');
  const requested = parameters.get('requested_token_type') ?? ACCESS_TOKEN_TYPE;
  if (token === undefined) throw invalid('subject_token is missing');
  if (type === undefined) throw invalid('subject_token_type is missing');
  if (type !== REFRESH_TOKEN_TYPE) throw invalid('subject_token_type is not supported');
  if (requested !== ACCESS_TOKEN_TYPE) throw invalid('requested_token_type is not supported');
  // An actor that was silently ignored would be a delegation nobody sees (RFC 8693 §2.1).
  for (const name of ['actor_token', 'actor_token_type']) {
    if (parameters.has(name)) throw invalid(`${name} is not supported`);
  }
  return token;
}

function invalid(description: string): Refusal {
  return new Refusal('invalid_request', { description });
}
