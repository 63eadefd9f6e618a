import type { Claim } from './principal.js';

const soap = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims';
const microsoft = 'http://schemas.microsoft.com/identity/claims';

export const claimType = {
  name: `${soap}/name`,
  email: `${soap}/emailaddress`,
  upn: `${soap}/upn`,
  objectId: `${microsoft}/objectidentifier`,
  tenantId: `${microsoft}/tenantid`,
  role: 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role',
} as const;

/** The short names .NET has always lengthened. Source: reference §2.3. */
const legacyMap: ReadonlyMap<string, string> = new Map([
  ['sub', `${soap}/nameidentifier`],
  ['email', claimType.email],
  ['oid', claimType.objectId],
  ['tid', claimType.tenantId],
  ['idp', `${microsoft}/identityprovider`],
  ['auth_time', 'http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationinstant'],
  ['acr', 'http://schemas.microsoft.com/claims/authnclassreference'],
  ['tfp', 'http://schemas.microsoft.com/claims/authnclassreference'],
  ['given_name', `${soap}/givenname`],
  ['family_name', `${soap}/surname`],
  ['upn', claimType.upn],
  ['unique_name', claimType.name],
  ['scp', `${microsoft}/scope`],
  ['amr', 'http://schemas.microsoft.com/claims/authnmethodsreferences'],
]);

/** How claims are written for the app. */
export interface ClaimStyle {
  /** Whether `roles` is lengthened too (`WEBSITE_AUTH_USE_LEGACY_CLAIMS=False`). */
  readonly modern: boolean;
  /** Whether a claim with several values is one element, its values between commas, instead of one element a value. */
  readonly joined: boolean;
}

/** The long type of a short claim name. `modern` also lengthens `roles` (`WEBSITE_AUTH_USE_LEGACY_CLAIMS=False`). */
export function longType(name: string, modern: boolean): string {
  if (modern && (name === 'roles' || name === 'role')) return claimType.role;
  return legacyMap.get(name) ?? name;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The claims of a token payload: one element per value unless `joined`, all values as text, short names lengthened. */
export function toClaims(
  payload: Readonly<Record<string, unknown>>,
  { modern, joined }: ClaimStyle,
): Claim[] {
  const claims: Claim[] = [];
  for (const [name, value] of Object.entries(payload)) {
    const typ = longType(name, modern);
    const values: unknown[] = Array.isArray(value) ? value : [value];
    const texts = values.filter((item) => item !== undefined && item !== null).map(textOf);
    if (joined && texts.length > 1) claims.push({ typ, val: texts.join(',') });
    else for (const val of texts) claims.push({ typ, val });
  }
  return claims;
}
