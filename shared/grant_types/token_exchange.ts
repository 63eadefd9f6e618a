import { Refusal } from '../domain/errors.js';
import type { Held } from '../domain/narrowing.js';
import { requestedResource } from '../domain/resource.js';
import { parseScope } from '../domain/scope.js';
import type { ClientPolicy } from '../policy.js';
import { type ActorTokenDeps, actorOf } from './actor_token.js';
import type { GrantType, TokenParameters } from './grant_type.js';
import { heldByGrantId } from './held_grant.js';
import {
  heldBySubjectToken,
  SUBJECT_UNACCEPTABLE,
  type SubjectTokenDeps,
  type SubjectTokenKind,
} from './subject_token.js';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
export const ACCESS_TOKEN_TYPE = `${TOKEN_TYPE}access_token`;
const REFRESH_TOKEN_TYPE = `${TOKEN_TYPE}refresh_token`;

/** What may stand for the user: the user's own token, or the grant that a client holds for unattended work. */
const SUBJECT_KINDS: ReadonlyMap<string, SubjectTokenKind> = new Map([
  [ACCESS_TOKEN_TYPE, 'access_token'],
  [`${TOKEN_TYPE}id_token`, 'id_token'],
  [`${TOKEN_TYPE}jwt`, 'jwt'],
]);

/** What is given out (RFC 8693 §3). */
const REQUESTABLE: ReadonlySet<string> = new Set([ACCESS_TOKEN_TYPE]);

type Deps = SubjectTokenDeps & ActorTokenDeps;

/** RFC 8693. */
export function createTokenExchangeGrant(deps: Deps): GrantType {
  return {
    name: TOKEN_EXCHANGE,
    async held(parameters, client, { binding }) {
      const { token, type } = subjectTokenOf(parameters);
      const actor = await actorOf(deps, parameters, client);
      const kind = SUBJECT_KINDS.get(type);
      if (kind === undefined) return byGrant(deps, token, { client, actor });
      const resource = requestedResource(parameters.get('resource'), parameters.get('audience'));
      const asked = parameters.get('scope');
      const scope = asked === undefined ? undefined : parseScope(asked);
      return heldBySubjectToken(deps, { token, kind, resource, scope, client, actor, binding });
    },
  };
}

async function byGrant(
  deps: Deps,
  grantId: string,
  { client, actor }: { client: ClientPolicy; actor: string },
): Promise<Held> {
  const found = await heldByGrantId(deps, grantId, client);
  if (found.ok) return { ...found.held, actor };
  // RFC 8693 §2.2.2: an unacceptable subject token is invalid_request, not invalid_grant.
  throw new Refusal('invalid_request', {
    description: 'subject_token is not a live grant of this client',
    reason: found.reason,
    members: SUBJECT_UNACCEPTABLE,
  });
}

function subjectTokenOf(parameters: TokenParameters): { token: string; type: string } {
  const token = parameters.get('subject_token');
  const type = parameters.get('subject_token_type');
  const requested = parameters.get('requested_token_type') ?? ACCESS_TOKEN_TYPE;
  if (token === undefined) throw invalid('subject_token is missing');
  if (type === undefined) throw invalid('subject_token_type is missing');
  if (type !== REFRESH_TOKEN_TYPE && !SUBJECT_KINDS.has(type)) {
    throw invalid('subject_token_type is not supported');
  }
  if (!REQUESTABLE.has(requested)) throw invalid('requested_token_type is not supported');
  return { token, type };
}

function invalid(description: string): Refusal {
  return new Refusal('invalid_request', { description });
}
