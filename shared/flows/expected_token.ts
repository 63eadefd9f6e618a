import { Refusal } from '../domain/errors.js';
import type { Authorization } from '../domain/narrowing.js';
import type { Scope } from '../domain/scope.js';
import type { Policy } from '../policy.js';
import { assertLongEnough, assertOfProvider, mintedSeconds } from './issued_token.js';

/** What an authorization would become, as far as policy decides it. */
export interface ExpectedToken {
  readonly narrowing: 'minted' | 'provider' | 'facade';
  readonly scope: Scope;
  /** Of a minted token; the provider decides how long its own live. */
  readonly seconds?: number;
  /** The provider's token is handed on even where it holds more than was asked. */
  readonly mayBeWider: boolean;
}

/** @throws Refusal as issuing would */
export function expectedToken(policy: Policy, authorization: Authorization, now: number): ExpectedToken {
  const resource = policy.resources.get(authorization.resource);
  if (!resource) throw new Refusal('invalid_target', { description: 'resource is not known' });
  const { scope } = authorization;
  if (resource.narrowing === 'minted') {
    const seconds = mintedSeconds(policy, authorization, { ...resource, now });
    assertLongEnough(seconds, undefined);
    return { narrowing: 'minted', scope, seconds, mayBeWider: false };
  }
  assertOfProvider(authorization, resource);
  return { narrowing: resource.narrowing, scope, mayBeWider: resource.allowWider };
}
