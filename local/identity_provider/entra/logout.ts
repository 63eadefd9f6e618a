import { decodeJwt } from 'jose';
import type { Core } from '../core.js';
import type { App } from '../directory/types.js';
import { htmlReply } from '../http/html.js';
import type { Incoming } from '../http/incoming.js';
import { type Reply, redirectReply } from '../http/reply.js';
import type { PathParams } from '../http/router.js';
import { clearedSessionCookie } from './authorize/session.js';
import { type Params, paramsOf } from './form.js';
import { isRegistered } from './redirect_uris.js';
import { readTenant } from './tenants.js';

/** The client that asks, by its own word: it only picks whose registered addresses count. */
function clientOf(params: Params): string | undefined {
  const hint = params.get('id_token_hint');
  try {
    const aud = hint === undefined ? undefined : decodeJwt(hint).aud;
    return params.get('client_id') ?? (typeof aud === 'string' ? aud : undefined);
  } catch {
    return params.get('client_id');
  }
}

function addressesOf({ logout_uris: logout = [], redirect_uris: redirect }: App): readonly string[] {
  return [...logout, ...redirect];
}

function mayReturnTo(core: Core, params: Params, uri: string): boolean {
  const client = clientOf(params);
  const apps = core.directory.file.apps.filter((app) => client === undefined || app.app_id === client);
  return apps.some((app) => isRegistered(addressesOf(app), uri));
}

function withState(uri: string, state: string | undefined): string {
  if (state === undefined) return uri;
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams({ state })}`;
}

/**
 * Ends the browser's sign-in and returns to `post_logout_redirect_uri` where that is registered (OpenID Connect
 * RP-Initiated Logout §2, §3); otherwise a page says it is done. Refresh tokens stay good, as at Entra.
 */
export function logoutEndpoint(core: Core, incoming: Incoming, { tenant = '' }: PathParams): Reply {
  readTenant(core.directory, tenant);
  const params = paramsOf(
    incoming.method === 'POST' ? (incoming.form ?? new URLSearchParams()) : incoming.query,
  );
  const headers = { 'set-cookie': clearedSessionCookie(core) };
  const uri = params.get('post_logout_redirect_uri');
  if (uri !== undefined && mayReturnTo(core, params, uri))
    return redirectReply(withState(uri, params.get('state')), headers);
  const main = '<h1>You signed out of your account</h1><p>It’s a good idea to close all browser windows.</p>';
  return htmlReply({ title: 'Signed out', main, headers });
}
