import { createHash } from 'node:crypto';

/**
 * The user's key in the token store: the parts that name the user for good (provider, issuer or tenant, the provider's own id),
 * hashed with their lengths so that no two users share one. Lower-case hexadecimal.
 */
export function userKey(...parts: readonly string[]): string {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(`${Buffer.byteLength(part)}:${part}`);
  return digest.digest('hex');
}
