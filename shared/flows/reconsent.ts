import { Refusal, refusalWith } from '../domain/errors.js';
import type { Authorization } from '../domain/narrowing.js';
import { formatScope } from '../domain/scope.js';
import type { ClientPolicy } from '../policy.js';
import type { TokenAsked } from './token_asked.js';

interface Known {
  readonly client?: ClientPolicy;
  readonly asked?: TokenAsked;
  readonly authorization?: Authorization;
}

/**
 * Adds to a refusal that only the user can mend where the client may send them: `reconsent_uri`, the question for `/authorize` as far as it
 * is known here. The client puts its redirect URI, challenge and state to it.
 */
export function withReconsent(error: unknown, known: Known, authorizeUrl: string): unknown {
  const { client, asked, authorization } = known;
  const resource = authorization?.resource ?? asked?.resource;
  if (!(error instanceof Refusal) || !client || resource === undefined) return error;
  // Before it is known what a client holds, invalid_grant says only that this is nothing of its own.
  const byUser = error.code === 'interaction_required' || (error.code === 'invalid_grant' && authorization);
  if (!byUser || client.redirectUris.length === 0) return error;
  const scope = asked?.scope ?? authorization?.scope;
  const { claims } = error.members;
  const question = new URLSearchParams({ response_type: 'code', client_id: client.clientId, resource });
  if (scope !== undefined) question.set('scope', formatScope(scope));
  if (typeof claims === 'string') question.set('claims', claims);
  return refusalWith(error, { reconsent_uri: `${authorizeUrl}?${question}` });
}
