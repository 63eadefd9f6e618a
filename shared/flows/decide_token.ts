import { Refusal } from '../domain/errors.js';
import { type Authorization, type Held, narrow } from '../domain/narrowing.js';
import type { Scope } from '../domain/scope.js';
import type { ClientPolicy, Policy } from '../policy.js';
import { createAssertSubjectAllowed, type SubjectDeps } from './assert_subject_allowed.js';

export interface TokenQuestion {
  readonly client: ClientPolicy;
  readonly grantType: string;
  readonly held: Held;
  readonly resource: string;
  /** Undefined asks for all that is held. */
  readonly scope: Scope | undefined;
}

/** What policy makes of a request whose client and authority are known. */
export type DecideToken = (question: TokenQuestion) => Promise<Authorization>;

interface Deps extends SubjectDeps {
  readonly policy: Policy;
}

/**
 * The decision, for the token endpoint and for whoever wants to know beforehand: the user, the resource, the scope.
 * @throws Refusal whose `rule` names what decided
 */
export function createDecideToken({ policy, membershipOf }: Deps): DecideToken {
  const assertSubjectAllowed = createAssertSubjectAllowed({ membershipOf });
  return async ({ client, grantType, held, resource, scope }) => {
    assertGrantTypeAllowed(client, grantType);
    await assertSubjectAllowed({ client, held, grantType });
    return narrow(
      { held, clientId: client.clientId, resource, scope },
      {
        clientScope: client.resources.get(resource),
        resourceScope: policy.resources.get(resource)?.scope ?? [],
      },
    );
  };
}

/** @throws Refusal `unauthorized_client` (RFC 6749 §5.2) */
export function assertGrantTypeAllowed({ clientId, grantTypes }: ClientPolicy, name: string): void {
  if (grantTypes === undefined || grantTypes.includes(name)) return;
  throw new Refusal('unauthorized_client', {
    description: 'grant_type is not allowed for this client',
    rule: `policy/clients/${clientId}/grantTypes`,
  });
}
