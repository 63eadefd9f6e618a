import { createHash } from 'node:crypto';
import type { App, DirectoryFile, ManagedIdentity, Tenant, User } from './types.js';

/** The built-in resource that a managed identity's token for a federated credential is made for. */
export const TOKEN_EXCHANGE_URI = 'api://AzureADTokenExchange';
const TOKEN_EXCHANGE_APP_ID = 'fb60f99c-7a34-4190-8149-302f77469936';

/** Look-ups over the directory file. Tenants, users and apps never change while the process runs. */
export type Directory = Readonly<{
  file: DirectoryFile;
  defaultResource: App;
  /** By GUID or domain. */
  tenant: (idOrDomain: string) => Tenant | undefined;
  userByOid: (oid: string) => User | undefined;
  /** By user principal name, e-mail address or object id, whatever the case. */
  userByHint: (hint: string) => User | undefined;
  usersOf: (tid: string | undefined) => readonly User[];
  app: (appId: string) => App | undefined;
  /** A resource by its exact App ID URI or app id, visible from that tenant. */
  resource: (identifier: string, tid: string) => App | undefined;
  managedIdentity: (clientId: string | undefined) => ManagedIdentity | undefined;
}>;

/** The object id of an app's service principal in a tenant: a version 4 shaped GUID that never changes. */
export function servicePrincipalId(appId: string, tid: string): string {
  const hex = createHash('sha256').update(`service-principal:${tid}:${appId}`).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

/** Whether an app exists in a tenant. */
export function appInTenant(app: App, tid: string): boolean {
  return app.tid === tid || app.multi_tenant === true;
}

function tokenExchangeApp(tid: string): App {
  return {
    app_id: TOKEN_EXCHANGE_APP_ID,
    name: 'Token exchange',
    tid,
    multi_tenant: true,
    secrets: [],
    redirect_uris: [],
    app_id_uri: TOKEN_EXCHANGE_URI,
    token_version: 2,
  };
}

function identityApp(identity: ManagedIdentity): App {
  const { client_id: app_id, name, tid, app_role_grants = {} } = identity;
  return { app_id, name, tid, secrets: [], redirect_uris: [], app_role_grants };
}

/** Builds the look-ups over a checked directory file. The default resource is visible from every tenant. */
export function createDirectory(file: DirectoryFile): Directory {
  const apps: App[] = file.apps.map((app) =>
    app.app_id_uri === file.default_resource ? { ...app, multi_tenant: true } : app,
  );
  apps.push(tokenExchangeApp(file.tenants[0]?.tid ?? ''));
  const defaultResource = apps.find((app) => app.app_id_uri === file.default_resource);
  if (defaultResource === undefined) throw new TypeError('default_resource is not the app_id_uri of an app');
  const identities = file.managed_identities ?? [];
  const byId = new Map([...apps, ...identities.map(identityApp)].map((app) => [app.app_id, app]));
  const byUri = new Map(apps.map((app) => [app.app_id_uri, app]));
  const users = new Map(file.users.map((user) => [user.oid, user]));
  const hints = new Map(file.users.flatMap((user) => hintsOf(user).map((hint) => [hint, user] as const)));
  const tenants = new Map(
    file.tenants.flatMap((tenant) => [
      [tenant.tid, tenant] as const,
      [tenant.domain.toLowerCase(), tenant] as const,
    ]),
  );
  return {
    file,
    defaultResource,
    tenant: (idOrDomain) => tenants.get(idOrDomain.toLowerCase()),
    userByOid: (oid) => users.get(oid),
    userByHint: (hint) => hints.get(hint.toLowerCase()),
    usersOf: (tid) => file.users.filter((user) => tid === undefined || user.tid === tid),
    app: (appId) => byId.get(appId),
    resource: (identifier, tid) => {
      const found = byUri.get(identifier) ?? byId.get(identifier);
      return found !== undefined && appInTenant(found, tid) ? found : undefined;
    },
    managedIdentity: (clientId) =>
      identities.find((one) =>
        clientId === undefined ? one.system_assigned === true : one.client_id === clientId,
      ),
  };
}

function hintsOf(user: User): string[] {
  return [user.email, user.upn, user.oid].flatMap((hint) => (hint === undefined ? [] : [hint.toLowerCase()]));
}
