import { Refusal } from '../domain/errors.js';
import type { ClientPolicy } from '../policy.js';
import type { Tokens } from '../ports.js';
import type { TokenParameters } from './grant_type.js';

export interface ActorTokenDeps {
  readonly tokens: Tokens;
  readonly clientsByAppId: ReadonlyMap<string, ClientPolicy>;
}

const JWT_TYPES: ReadonlySet<string> = new Set([
  'urn:ietf:params:oauth:token-type:access_token',
  'urn:ietf:params:oauth:token-type:jwt',
]);

/**
 * Who is to act (RFC 8693 §2.1): the client itself, or the client whose app token is presented as `actor_token`, where policy lets this
 * client speak for it.
 * @throws Refusal `invalid_request` for half a pair or an unacceptable token
 */
export async function actorOf(
  deps: ActorTokenDeps,
  parameters: TokenParameters,
  client: ClientPolicy,
): Promise<string> {
  const token = parameters.get('actor_token');
  const type = parameters.get('actor_token_type');
  if (token === undefined && type === undefined) return client.clientId;
  if (token === undefined || type === undefined) {
    throw invalid('actor_token and actor_token_type must be given together');
  }
  if (!JWT_TYPES.has(type)) throw invalid('actor_token_type is not supported');
  const actor = deps.clientsByAppId.get(await appIdOf(deps.tokens, token))?.clientId;
  const allowed = actor !== undefined && (actor === client.clientId || client.actors.includes(actor));
  if (!allowed) throw unacceptable('the actor is not one this client may present');
  return actor;
}

async function appIdOf(tokens: Tokens, token: string): Promise<string> {
  try {
    return (await tokens.verifyAppToken(token)).appId.toLowerCase();
  } catch (error) {
    if (error instanceof Refusal && error.code === 'unauthenticated') {
      throw unacceptable(error.reason);
    }
    throw error;
  }
}

function unacceptable(reason: string): Refusal {
  return new Refusal('invalid_request', {
    description: 'actor_token is not acceptable',
    reason,
    members: { error_details: { class: 'actor_token_unacceptable' } },
  });
}

function invalid(description: string): Refusal {
  return new Refusal('invalid_request', { description });
}
