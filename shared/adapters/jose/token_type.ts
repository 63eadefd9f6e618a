import { errors, type JWTHeaderParameters } from 'jose';

/**
 * Refuses a token that says it is of a kind of its own (RFC 8725 §3.11): a logout token, a security event or a proof may be signed by the
 * same key, and mean nothing here. One that says nothing, as many do, or just that it is a JWT, is taken.
 * @param also further types that are taken, in lower case
 * @throws JWTInvalid
 */
export function assertPlainType({ typ }: JWTHeaderParameters, also: readonly string[] = []): void {
  const given: unknown = typ;
  if (given === undefined) return;
  const kind = typeof given === 'string' ? given.toLowerCase().replace(/^application\//, '') : undefined;
  if (kind === undefined || (kind !== 'jwt' && !also.includes(kind))) {
    throw new errors.JWTInvalid('the token is of another kind');
  }
}
