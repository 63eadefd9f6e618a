import type { CustomEndpoints } from '../config/provider_settings.js';
import type { Settings } from '../config/settings.js';
import type { Incoming } from '../http/incoming.js';
import { isPlainPath } from '../http/paths.js';
import { emptyReply, jsonReply, type Reply } from '../http/reply.js';

const wellKnown = '/.well-known/oauth-protected-resource';

function issuerOf(endpoints: CustomEndpoints): string {
  if (endpoints.wellKnown === undefined) return endpoints.issuer;
  return endpoints.wellKnown.replace(/\/\.well-known\/openid-configuration$/, '');
}

/** Whoever issues the bearer tokens that are accepted here. */
function issuers({ aad, others }: Settings): string[] {
  const custom = others.flatMap((one) => (one.kind === 'custom' ? [issuerOf(one.endpoints)] : []));
  return aad === undefined ? custom : [aad.issuer, ...custom];
}

/**
 * The protected-resource metadata (RFC 9728 §2), public, for the site or for a path of it (§3.1). Undefined for any other path, and
 * while `WEBSITE_AUTH_PRM_DEFAULT_WITH_SCOPES` names no scopes.
 */
export function resourceMetadata(settings: Settings, incoming: Incoming): Reply | undefined {
  const { path } = incoming.target;
  if (settings.resourceScopes === undefined || !path.startsWith(wellKnown)) return undefined;
  const resource = path.slice(wellKnown.length);
  if (resource !== '' && (!resource.startsWith('/') || !isPlainPath(path))) return undefined;
  if (incoming.method !== 'GET' && incoming.method !== 'HEAD')
    return emptyReply(405, { headers: ['Allow', 'GET, HEAD'] });
  const reply = jsonReply(
    JSON.stringify({
      resource: `${incoming.site.origin}${resource === '/' ? '' : resource}`,
      authorization_servers: issuers(settings),
      scopes_supported: settings.resourceScopes,
    }),
  );
  return { ...reply, headers: [...reply.headers, 'Access-Control-Allow-Origin', '*'] };
}

/** What a challenge adds so that a client finds the metadata (RFC 9728 §5.1); empty when there is none. */
export function metadataChallenge(settings: Settings, incoming: Incoming): string {
  if (settings.resourceScopes === undefined) return '';
  const scope = settings.resourceScopes.join(' ');
  return ` resource_metadata="${incoming.site.origin}${wellKnown}" scope="${scope}"`;
}
