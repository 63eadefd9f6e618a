import type { JWTPayload } from 'jose';

const tenantForm = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const template = '{tenantid}';
const shared = new Set(['common', 'organizations', 'consumers']);

const bare = (url: string) => url.replace(/\/$/, '');

/** The tenant segment of an Entra issuer: `…/<tenant>/v2.0` or `…/<tenant>/`. */
export function tenantOf(issuer: string): string | undefined {
  const [tenant] = new URL(issuer).pathname.split('/').filter((part) => part !== '');
  return tenant;
}

/** Whether the issuer stands for many tenants, so that each token names its own. */
export function isShared(issuer: string): boolean {
  return shared.has(tenantOf(issuer)?.toLowerCase() ?? '');
}

/** Whether a discovery document's issuer belongs to the configured one: the same, its template, or its v1 twin. */
export function sameAuthority(configured: string, named: string): boolean {
  if (bare(configured) === bare(named)) return true;
  if (isShared(configured)) return named.includes(template);
  const tenant = tenantOf(configured);
  return (
    tenant !== undefined &&
    new URL(configured).hostname === 'login.microsoftonline.com' &&
    !bare(configured).endsWith('/v2.0') &&
    bare(named) === `https://sts.windows.net/${tenant}`
  );
}

/** Whether a token's issuer is right: exactly the published one, a template filled with the token's own tenant (Entra §3). */
export function issuerMatches(published: string, payload: JWTPayload): boolean {
  if (!published.includes(template)) return payload.iss === published;
  const { tid, iss } = payload;
  if (typeof tid !== 'string' || !tenantForm.test(tid)) return false;
  return iss === published.replace(template, tid) || iss === `https://sts.windows.net/${tid}/`;
}

/** The authorize address of an issuer, told to callers in the 401 challenge (reference §5.1, §7.5). */
export function authorizeAddress(issuer: string): string {
  const url = new URL(issuer);
  const tenant = tenantOf(issuer) ?? 'common';
  if (url.hostname === 'sts.windows.net')
    return `https://login.microsoftonline.com/${tenant}/oauth2/authorize`;
  const version = url.pathname.replace(/\/$/, '').endsWith('/v2.0') ? '/v2.0' : '';
  return `${url.origin}/${tenant}/oauth2${version}/authorize`;
}
