import { type AuthorizationCode, answersChallenge } from '../domain/authorization_code.js';
import { Refusal } from '../domain/errors.js';
import type { ClientPolicy } from '../policy.js';
import type { Clock, CodeStore, GrantStore, Versioned } from '../ports.js';
import type { GrantType, Presenting, TokenParameters } from './grant_type.js';
import { heldByGrantId } from './held_grant.js';

interface Deps {
  readonly codes: CodeStore;
  readonly grants: GrantStore;
  readonly clock: Clock;
  /** Ends the grant a code was made with. */
  readonly endGrant: (grantId: string, by: { by: 'code_reused'; correlationId: string }) => Promise<boolean>;
}

/**
 * RFC 6749 §4.1.3 with PKCE (RFC 7636): the client shows the code it was sent back with, once. What it gets for later is the grant's id,
 * as refresh token.
 */
export function createAuthorizationCodeGrant(deps: Deps): GrantType {
  return {
    name: 'authorization_code',
    namesResource: true,
    async held(parameters, client, presenting) {
      const shown = readShown(parameters);
      const found = await deps.codes.find(shown.code);
      if (!found) throw invalidGrant('unknown code');
      const { grantId } = found.value;
      const reused = async (): Promise<Refusal> => {
        await deps.endGrant(grantId, { by: 'code_reused', correlationId: presenting.correlationId });
        return invalidGrant('the code was used before');
      };
      const { usedAt, openUse } = found.value;
      // Before anything else: whatever a second showing asks for, the code is in two hands (RFC 6749 §4.1.2).
      if (usedAt !== undefined && openUse === undefined) throw await reused();
      const misfit = misfitOf(found.value, shown, { client, presenting, now: deps.clock() });
      // A use whose token never left is open to the same client, who may have been cut off; to nobody else.
      if (misfit !== undefined) throw openUse === undefined ? invalidGrant(misfit) : await reused();
      const grant = await heldByGrantId(deps, grantId, client);
      if (!grant.ok) throw invalidGrant(grant.reason);
      return { ...grant.held, refreshToken: grantId, spend: () => spend(deps, shown.code, found, reused) };
    },
  };
}

async function spend(
  deps: Deps,
  code: string,
  found: Versioned<AuthorizationCode>,
  reused: () => Promise<Refusal>,
): Promise<() => Promise<void>> {
  const spent = await deps.codes.spend(code, found, deps.clock());
  if (!spent) throw await reused();
  return async () => {
    if (await deps.codes.settle(code, spent)) return;
    // Both showings were of the client the code is for, and only one of their tokens leaves.
    throw invalidGrant('the code was shown again meanwhile');
  };
}

interface Shown {
  readonly code: string;
  readonly redirectUri: string;
  readonly verifier: string;
}

function readShown(parameters: TokenParameters): Shown {
  return {
    code: required(parameters, 'code'),
    redirectUri: required(parameters, 'redirect_uri'),
    verifier: required(parameters, 'code_verifier'),
  };
}

function required(parameters: TokenParameters, name: string): string {
  const value = parameters.get(name);
  if (value === undefined) throw new Refusal('invalid_request', { description: `${name} is missing` });
  return value;
}

/** Every wrong code is the same outward; which part was wrong stays with the audit. */
function misfitOf(
  code: AuthorizationCode,
  shown: Shown,
  at: { client: ClientPolicy; presenting: Presenting; now: number },
): string | undefined {
  if (code.clientId !== at.client.clientId) return 'code of another client';
  if (code.expiresAt <= at.now) return 'the code has expired';
  if (code.redirectUri !== shown.redirectUri) return 'another redirect_uri';
  if (!answersChallenge(shown.verifier, code.challenge)) return 'wrong code_verifier';
  const proven = code.jkt === undefined || code.jkt === at.presenting.binding?.jkt;
  return proven ? undefined : 'the key the code is bound to is not proven';
}

function invalidGrant(reason: string): Refusal {
  return new Refusal('invalid_grant', {
    description: 'code is not valid for this client, redirect_uri and code_verifier',
    reason,
  });
}
