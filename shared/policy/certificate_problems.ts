import { type Environment, isTrue } from '../config.js';
import type { ClientDocument, PolicyDocument } from './document.js';

/** A certificate that nobody passes on would never let the client in, and one that no server checks binds nothing. */
export function certificateProblems(
  id: string,
  { auth, certificateBoundTokens, resources }: ClientDocument,
  { document, env }: { document: PolicyDocument; env: Environment },
): readonly string[] {
  const place = `policy/clients/${id}`;
  const needs = (what: string) => `${place}/${what}: needs the setting BROKER_CLIENT_CERTIFICATES`;
  const passed = isTrue(env.BROKER_CLIENT_CERTIFICATES);
  const unbound = Object.keys(resources).filter((uri) => {
    const narrowing = document.resources[uri]?.narrowing;
    return narrowing !== undefined && narrowing !== 'minted';
  });
  return [
    ...(auth.certificates && !passed ? [needs('auth/certificates')] : []),
    ...(certificateBoundTokens && !passed ? [needs('certificateBoundTokens')] : []),
    ...(certificateBoundTokens ? unbound : []).map(
      (uri) => `${place}/certificateBoundTokens: tokens of ${uri} are the provider's and cannot be bound`,
    ),
  ];
}
