import type { AadSettings } from '../../config/settings.js';
import type { LoginRedirect, LoginStart } from '../provider.js';

const baseScope = 'openid profile email';

/** The scope asked for: the request's, else the configured one, else the base; always with `openid`, without which no ID token comes. */
export function scopeOf(aad: AadSettings, asked: string | undefined): string {
  const words = (asked ?? aad.loginParameters.get('scope') ?? baseScope).split(/\s+/).filter((w) => w !== '');
  return [...new Set(words.includes('openid') ? words : ['openid', ...words])].join(' ');
}

/** The authorize request as Easy Auth builds it: hybrid with a form post, or ID token only without a secret (reference §5.1). */
export function authorizeRequest(aad: AadSettings, endpoint: string, start: LoginStart): LoginRedirect {
  const scope = scopeOf(aad, start.parameters.get('scope'));
  const url = new URL(endpoint);
  const free = new Map([...aad.loginParameters, ...start.parameters]);
  free.delete('scope');
  for (const [name, value] of free) url.searchParams.set(name, value);
  url.searchParams.set('response_type', aad.credential === undefined ? 'id_token' : 'code id_token');
  url.searchParams.set('response_mode', 'form_post');
  url.searchParams.set('redirect_uri', start.redirectUri);
  url.searchParams.set('client_id', aad.clientId);
  url.searchParams.set('scope', scope);
  url.searchParams.set('nonce', start.nonce);
  url.searchParams.set('state', start.state);
  return { url: url.href, scope };
}
