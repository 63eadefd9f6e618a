import type { Environment, ProviderSettings } from '../config.js';

type Common = Omit<ProviderSettings, 'issuer' | 'tenant' | 'tenants' | 'rolesCount'>;
type Tenants = Pick<ProviderSettings, 'issuer' | 'tenant' | 'tenants' | 'rolesCount'>;

// Lower case, as tokens carry it: the issuer is compared to the letter.
const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ISSUER = /^(.*\/)([^/]+)\/v2\.0$/;
/** What Entra writes where users of several tenants sign in. */
const SEVERAL: ReadonlySet<string> = new Set(['organizations', 'common', '{tenantid}', '%7Btenantid%7D']);
/** Each has its own metadata and keys to keep. */
const MOST_TENANTS = 200;

export function isGuid(text: string): boolean {
  return GUID.test(text);
}

/**
 * The tenants whose users may sign in: the one that the issuer names, or those that `BROKER_AAD_TENANTS` lists where the issuer stands for
 * many. There is no "any": everybody can have a tenant.
 */
export function readTenants(
  { issuer, name, common, env }: { issuer: string; name: string; common: Common; env: Environment },
  problems: string[],
): Tenants {
  const listed = listOf(env.BROKER_AAD_TENANTS);
  const home = env.BROKER_AAD_HOME_TENANT ?? '';
  const [, base = '', tenant = ''] = ISSUER.exec(issuer) ?? [];
  if (!SEVERAL.has(tenant)) {
    if (issuer !== '' && !isGuid(tenant)) {
      problems.push(`${name} must name one tenant and end in /{tenant id}/v2.0, or /organizations/v2.0`);
    }
    if (listed.length > 0 || home !== '') {
      problems.push('BROKER_AAD_TENANTS and BROKER_AAD_HOME_TENANT are for an issuer of several tenants');
    }
    return { issuer, tenant, rolesCount: true };
  }
  problems.push(...tenantProblems(listed, home, name));
  const issuerOf = (id: string) => `${base}${id}/v2.0`;
  const settingsOf = (id: string) => ({
    ...common,
    issuer: issuerOf(id),
    tenant: id,
    rolesCount: id === home,
  });
  return { issuer, tenant: '', tenants: listed.map(settingsOf), rolesCount: false };
}

function listOf(text = ''): readonly string[] {
  const parts = text.split(',').map((part) => part.trim());
  return [...new Set(parts.filter((part) => part !== ''))];
}

function tenantProblems(listed: readonly string[], home: string, name: string): string[] {
  const problems: string[] = [];
  if (listed.length === 0) problems.push(`BROKER_AAD_TENANTS is missing: ${name} names no tenant`);
  if (!listed.every(isGuid)) problems.push('BROKER_AAD_TENANTS must be tenant ids in lower case');
  if (listed.length > MOST_TENANTS)
    problems.push(`BROKER_AAD_TENANTS names more than ${MOST_TENANTS} tenants`);
  if (home !== '' && !listed.includes(home)) {
    problems.push('BROKER_AAD_HOME_TENANT must be one of BROKER_AAD_TENANTS');
  }
  return problems;
}
