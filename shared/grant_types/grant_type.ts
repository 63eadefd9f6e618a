import type { Held } from '../domain/narrowing.js';
import type { ClientPolicy } from '../policy.js';
import type { Binding } from '../ports.js';

/** The parameters of a token request, each at most once and never empty (RFC 6749 §3.2). */
export type TokenParameters = ReadonlyMap<string, string>;

/**
 * One OAuth grant type: turns what a request presents into what its bearer holds. It decides and writes nothing; narrowing, issuing and
 * the audit are the endpoint's, so that no grant type can forget them.
 */
export interface GrantType {
  readonly name: string;
  /** @throws Refusal with the codes this grant type's specification gives */
  held(parameters: TokenParameters, client: ClientPolicy, binding: Binding | undefined): Promise<Held>;
}
