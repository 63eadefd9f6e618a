import { CODE_LIFE_MS, newCode } from '../domain/authorization_code.js';
import type { Membership } from '../domain/membership.js';
import type { Subject } from '../domain/subject.js';
import type { Clock, CodeStore, Random } from '../ports.js';
import type { AuthorizationRequest } from './authorization_request.js';
import type { CreateGrant } from './create_grant.js';
import type { SessionCredentials } from './session_credentials.js';
import type { TakeOverConnection } from './take_over_connection.js';

/** The user who agreed, the request they were shown, and the credentials for the connection, where there is none yet. */
export interface Consent extends SessionCredentials {
  readonly request: AuthorizationRequest;
  readonly subject: Subject;
  /** What the sign-in says of the user's groups and roles. */
  readonly membership?: Membership | undefined;
  readonly correlationId: string;
}

/** What a user's agreement is worth: the code to send the client back with. */
export type Authorize = (consent: Consent) => Promise<string>;

interface Deps {
  readonly createGrant: CreateGrant;
  readonly takeOver: TakeOverConnection;
  readonly codes: CodeStore;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Turns a user's agreement into a grant, and a code that stands for it until it is shown (RFC 6749 §4.1.2).
 * @throws Refusal of making the grant or the connection
 */
export function createAuthorize(deps: Deps): Authorize {
  const { createGrant, takeOver, codes, clock, random } = deps;
  return async ({ request, ...consent }) => {
    const { client, redirectUri, challenge, resource, scope, jkt, claims, expiresInSeconds } = request;
    // Only the credential of the sign-in that met the challenge meets it at a refresh.
    if (claims !== undefined) await takeOver(consent);
    const grant = await createGrant({
      ...consent,
      clientId: client.clientId,
      resource,
      scope,
      expiresInSeconds,
    });
    const expiresAt = clock() + CODE_LIFE_MS;
    const code = newCode(expiresAt, random.bytes(32));
    await codes.create(code, {
      clientId: client.clientId,
      redirectUri,
      challenge,
      resource,
      grantId: grant.grantId,
      expiresAt,
      ...(jkt === undefined ? {} : { jkt }),
    });
    return code;
  };
}
