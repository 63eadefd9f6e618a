import { type Scope, scopeOf } from '../domain/scope.js';
import type { ProviderRules } from './rules.js';

/** What the providers without ID token have in common: the user is whom the provider names when it is asked with the token. */
export const profileRules = {
  rotation: 'none',
  narrows: false,
  signIn: 'headers',
  signatures: [],
  isIdToken: () => false,
  requestScope: () => '',
  subjectOf: () => undefined,
} as const satisfies Partial<ProviderRules>;

/** Scopes as these providers list them: by commas, spaces, or both. */
export function listedScope(answer: string): Scope {
  return scopeOf(answer.split(/[ ,]+/).filter((token) => token !== ''));
}
