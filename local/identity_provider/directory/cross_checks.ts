import { collect, duplicates, redirectProblem, unknown } from './checks.js';
import { socialProblems } from './social_checks.js';
import type { App, DirectoryFile } from './types.js';

function* uriProblems(app: App, place: string): Generator<string> {
  for (const list of ['redirect_uris', 'logout_uris'] as const) {
    for (const [index, uri] of (app[list] ?? []).entries()) {
      const problem = redirectProblem(uri);
      if (problem !== undefined) yield `${place}/${list}/${index} ${problem}`;
    }
  }
}

function* roleProblems(
  held: Readonly<Record<string, readonly string[]>> | undefined,
  place: string,
  apps: readonly App[],
): Generator<string> {
  for (const [appId, roles] of Object.entries(held ?? {})) {
    const resource = apps.find((app) => app.app_id === appId);
    const missing = roles.filter((role) => !resource?.roles?.includes(role));
    if (resource === undefined) yield `${place} names an app that is not in apps`;
    else if (missing.length > 0) yield `${place} names a role that app does not expose`;
  }
}

function* consentProblems(app: App, place: string, apps: readonly App[]): Generator<string> {
  for (const [index, consent] of (app.consents ?? []).entries()) {
    const resource = apps.find((one) => one.app_id_uri === consent.resource);
    const at = `${place}/consents/${index}`;
    if (resource === undefined) yield `${at}/resource is not the app_id_uri of an app`;
    else if (consent.scopes.some((scope) => !resource.scopes?.includes(scope))) {
      yield `${at}/scopes names a scope that resource does not expose`;
    }
  }
}

function* appProblems(file: DirectoryFile, app: App, place: string): Generator<string> {
  const appIds = new Set(file.apps.map((one) => one.app_id));
  const identities = new Set((file.managed_identities ?? []).map((one) => one.client_id));
  yield* uriProblems(app, place);
  yield* roleProblems(app.app_role_grants, `${place}/app_role_grants`, file.apps);
  yield* consentProblems(app, place, file.apps);
  const clients = (app.pre_authorized ?? []).map((id, i) => [`${place}/pre_authorized/${i}`, id] as const);
  yield* unknown(clients, appIds, 'the app_id of an app');
  const trusted = (app.federated_credentials ?? []).map(
    (one, i) => [`${place}/federated_credentials/${i}`, one.managed_identity] as const,
  );
  yield* unknown(trusted, identities, 'the client_id of a managed identity');
}

/** Problems that only show between entries: repeated ids, names of things that do not exist. Names places, not values. */
export function* crossProblems(file: DirectoryFile): Generator<string> {
  const { tenants, users, apps, managed_identities: identities } = file;
  const tids = new Set(tenants.map((tenant) => tenant.tid));
  yield* duplicates(collect(tenants, 'tenants/*/tid', (tenant) => tenant.tid));
  yield* duplicates(collect(tenants, 'tenants/*/domain', (tenant) => tenant.domain));
  yield* duplicates(collect(users, 'users/*/oid', (user) => user.oid));
  yield* duplicates(collect(users, 'users/*/upn', (user) => user.upn));
  yield* duplicates([
    ...collect(apps, 'apps/*/app_id', (app) => app.app_id),
    ...collect(identities, 'managed_identities/*/client_id', (identity) => identity.client_id),
  ]);
  yield* duplicates(collect(apps, 'apps/*/app_id_uri', (app) => app.app_id_uri));
  yield* unknown(
    collect(users, 'users/*/tid', (user) => user.tid),
    tids,
    'a tenant',
  );
  yield* unknown(
    collect(apps, 'apps/*/tid', (app) => app.tid),
    tids,
    'a tenant',
  );
  yield* unknown(
    collect(identities, 'managed_identities/*/tid', (one) => one.tid),
    tids,
    'a tenant',
  );
  for (const [index, user] of users.entries()) yield* roleProblems(user.roles, `users/${index}/roles`, apps);
  for (const [index, app] of apps.entries()) yield* appProblems(file, app, `apps/${index}`);
  for (const [index, one] of (identities ?? []).entries()) {
    yield* roleProblems(one.app_role_grants, `managed_identities/${index}/app_role_grants`, apps);
  }
  yield* socialProblems(file);
  const isDefault = (app: App): boolean => app.app_id_uri === file.default_resource;
  if (!apps.some(isDefault)) yield 'default_resource is not the app_id_uri of an app';
  if ((identities ?? []).filter((one) => one.system_assigned).length > 1) {
    yield 'managed_identities has more than one that is system_assigned';
  }
}
