import type { Core } from '../core.js';
import type { App } from '../directory/types.js';
import { type ConsentRecord, consentKey } from '../state.js';
import { EntraError } from './errors.js';
import { OIDC_SCOPES, type ResourceScopes, type ScopeRequest, sameScope, unknownScope } from './scopes.js';

export type ConsentParties = Readonly<{ oid: string; client: App; resource: App }>;

const NONE: ConsentRecord = { granted: [], withheld: [] };

function has(list: readonly string[], scope: string): boolean {
  return list.some((one) => sameScope(one, scope));
}

function recordOf(core: Core, { oid, client, resource }: ConsentParties): ConsentRecord {
  return core.store.read().consents[consentKey(oid, client.app_id, resource.app_id)] ?? NONE;
}

function byAdmin({ client, resource }: ConsentParties): readonly string[] {
  if (resource.pre_authorized?.includes(client.app_id)) return resource.scopes ?? [];
  return (client.consents ?? []).flatMap((one) => (one.resource === resource.app_id_uri ? one.scopes : []));
}

/**
 * Every scope consented for a user, client and resource, by admin, pre-authorization or the user, in the order the
 * resource lists them. OpenID scopes count as scopes of the default resource and come last.
 */
export function consentedScopes(core: Core, parties: ConsentParties): readonly string[] {
  const { granted, withheld } = recordOf(core, parties);
  const held = [...byAdmin(parties), ...granted].filter((scope) => !has(withheld, scope));
  const named = (parties.resource.scopes ?? []).filter((scope) => has(held, scope));
  const isDefault = parties.resource === core.directory.defaultResource;
  return isDefault ? [...named, ...[...OIDC_SCOPES].filter((scope) => has(held, scope))] : named;
}

/** The scopes of a request its user has not consented to. A `/.default` is missing when nothing is consented. */
export function missingConsent(
  core: Core,
  parties: ConsentParties,
  wanted: ResourceScopes,
): readonly string[] {
  const held = consentedScopes(core, parties);
  if (wanted.all) return held.length > 0 ? [] : (wanted.resource.scopes ?? []);
  return wanted.names.filter((name) => !has(held, name));
}

function edit(
  core: Core,
  parties: ConsentParties,
  change: (old: ConsentRecord) => ConsentRecord,
): Promise<void> {
  const { oid, client, resource } = parties;
  return core.store.change((data) => {
    data.consents[consentKey(oid, client.app_id, resource.app_id)] = change(recordOf(core, parties));
  });
}

/** Records that the user consents, durably. Writes nothing when all is recorded already. */
export async function grantConsent(
  core: Core,
  parties: ConsentParties,
  scopes: readonly string[],
): Promise<void> {
  const old = recordOf(core, parties);
  if (scopes.every((scope) => has(old.granted, scope) && !has(old.withheld, scope))) return;
  await edit(core, parties, ({ granted, withheld }) => ({
    granted: [...granted, ...scopes.filter((scope) => !has(granted, scope))],
    withheld: withheld.filter((scope) => !has(scopes, scope)),
  }));
}

/** Takes consent away, admin consent included, for this user only. */
export function withdrawConsent(
  core: Core,
  parties: ConsentParties,
  scopes: readonly string[],
): Promise<void> {
  return edit(core, parties, ({ granted, withheld }) => ({
    granted: granted.filter((scope) => !has(scopes, scope)),
    withheld: [...withheld, ...scopes.filter((scope) => !has(withheld, scope))],
  }));
}

/** Records consent to all that an authorization request asks for, its OpenID scopes at the default resource. */
export async function grantRequested(
  core: Core,
  oid: string,
  client: App,
  request: ScopeRequest,
): Promise<void> {
  for (const wanted of request.resources) {
    const parties = { oid, client, resource: wanted.resource };
    await grantConsent(core, parties, wanted.all ? missingConsent(core, parties, wanted) : wanted.names);
  }
  const parties = { oid, client, resource: core.directory.defaultResource };
  await grantConsent(core, parties, [...request.oidc]);
}

/**
 * The scopes a token gets: all that are consented for the resource (Entra's way), or with narrowing on only those asked for.
 * OpenID scopes asked for always count at the default resource; `offline_access` is never in a token.
 * @throws EntraError scopeUnknown, or consentRequired when something asked for, or everything, is not consented
 */
export function grantedScopes(
  core: Core,
  parties: ConsentParties,
  request: Readonly<{ wanted: ResourceScopes; oidc: ReadonlySet<string> }>,
): readonly string[] {
  const { wanted, oidc } = request;
  const unknown = unknownScope(wanted);
  if (unknown !== undefined) throw new EntraError('scopeUnknown', { scope: unknown });
  const isDefault = parties.resource === core.directory.defaultResource;
  const asked = [...wanted.names, ...(isDefault ? oidc : [])];
  const held = [...new Set([...consentedScopes(core, parties), ...(isDefault ? oidc : [])])];
  const narrow = core.store.read().settings.narrowing && !wanted.all;
  const scopes = held.filter((scope) => scope !== 'offline_access' && (!narrow || has(asked, scope)));
  if (missingConsent(core, parties, wanted).length > 0 || scopes.length === 0) {
    throw new EntraError('consentRequired', { client: parties.client.app_id, name: parties.client.name });
  }
  return scopes;
}
