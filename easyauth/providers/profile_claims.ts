import { type ClaimStyle, claimType, toClaims } from '../identity/claim_types.js';
import type { Claim, Principal } from '../identity/principal.js';

interface Profile {
  readonly alias: string;
  /** The provider's own id of the user. */
  readonly id: string;
  readonly name: string;
  /** Members that have a well-known claim, under its short name. */
  readonly known: Readonly<Record<string, unknown>>;
  /** Everything else worth telling, written as `urn:<alias>:<member>`. */
  readonly others: Readonly<Record<string, unknown>>;
}

function isPlain(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value) && value !== '';
}

/** The principal of a provider that tells of its users by a profile instead of an ID token (reference §2.3). */
export function profilePrincipal(profile: Profile, style: ClaimStyle): Principal {
  const { alias, id, name } = profile;
  const known = Object.entries({ sub: id, ...profile.known }).filter(([, value]) => isPlain(value));
  const urns: Claim[] = Object.entries(profile.others)
    .filter(([, value]) => isPlain(value))
    .map(([member, value]) => ({ typ: `urn:${alias}:${member}`, val: String(value) }));
  const claims = [...toClaims(Object.fromEntries(known), style), { typ: claimType.name, val: name }, ...urns];
  return { provider: alias, id, name, nameType: claimType.name, roleType: claimType.role, claims };
}
