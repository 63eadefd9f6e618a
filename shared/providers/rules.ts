import type { Failure, ProviderFailure, Verdict } from '../domain/refresh_result.js';
import type { Scope } from '../domain/scope.js';
import type { Subject } from '../domain/subject.js';

/** What differs between identity providers: data and pure rules, no input or output. */
export interface ProviderRules {
  readonly name: string;
  /** What happens to a refresh token that has been redeemed. */
  readonly rotation: 'none' | 'replace-keep-old' | 'single-use';
  /** Whether the provider has an RFC 7009 endpoint that ends this credential alone. */
  readonly revocation: 'rfc7009' | 'none';
  /** The `scope` parameter that asks for exactly this at a resource, or for the bare credential. */
  requestScope(resource: string | undefined, scope: Scope): string;
  /** The provider's `scope` answer in the words policy uses. */
  grantedScope(answer: string, resource: string | undefined): Scope;
  /** The user an ID token of this provider names; undefined when a claim is missing. */
  subjectOf(claims: Readonly<Record<string, unknown>>): Subject | undefined;
  classify(failure: ProviderFailure, previous: Failure | undefined): Verdict;
}
