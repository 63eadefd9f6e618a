import type { Core } from '../core.js';
import { appInTenant, type Directory } from '../directory/directory.js';
import type { App, Tenant } from '../directory/types.js';
import { EntraError } from './errors.js';

/** The `{tenant}` of a path: a certain tenant, or the choice that the user or the grant makes. */
export type TenantPath = Readonly<{ segment: string; tenant: Tenant | undefined }>;

/**
 * Reads the `{tenant}` path segment: GUID, domain, `common` or `organizations`.
 * @throws EntraError tenantNotFound
 */
export function readTenant(directory: Directory, segment: string): TenantPath {
  if (segment === 'common' || segment === 'organizations') return { segment, tenant: undefined };
  const tenant = directory.tenant(segment);
  if (tenant === undefined) throw new EntraError('tenantNotFound', { tenant: segment });
  return { segment, tenant };
}

/**
 * The app registration of a client, as seen from the path's tenant.
 * @throws EntraError appNotFound, or singleTenantApp on `common` and `organizations`
 */
export function findClient(directory: Directory, path: TenantPath, clientId: string): App {
  const app = directory.app(clientId);
  const name = path.tenant?.name ?? path.segment;
  if (app === undefined) throw new EntraError('appNotFound', { client: clientId, tenant: name });
  if (path.tenant === undefined) {
    if (app.multi_tenant !== true) throw new EntraError('singleTenantApp', { client: clientId });
    return app;
  }
  if (appInTenant(app, path.tenant.tid)) return app;
  throw new EntraError('appNotFound', { client: clientId, tenant: name });
}

/** The issuer of a tenant's tokens: version 1 ends in the tenant, version 2 in `/v2.0`. */
export function issuerOf(core: Pick<Core, 'baseUrl'>, tid: string, version: 1 | 2): string {
  return version === 1 ? `${core.baseUrl}/${tid}/` : `${core.baseUrl}/${tid}/v2.0`;
}
