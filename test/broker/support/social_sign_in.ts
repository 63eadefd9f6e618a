import { oauthHeader, sign } from '../../identity_provider/support/oauth1.js';
import { field, location } from '../../identity_provider/support/provider.js';
import {
  CALLBACK,
  CLIENT_SECRET,
  codeIn,
  form,
  HINT,
  type SocialProvider,
} from '../../identity_provider/support/social.js';

const JSON_ONLY = { accept: 'application/json' };

/** An access token of Alice's for GitHub's OAuth app, or another of its apps. */
export async function githubToken(
  idp: SocialProvider,
  app: { client_id: string; client_secret: string } = { client_id: 'Ov23', client_secret: CLIENT_SECRET },
): Promise<string> {
  const { client_id } = app;
  const usual = { client_id, redirect_uri: CALLBACK, state: 's', scope: 'user:email repo', login: 'alice' };
  const code = codeIn(await idp.query('/github/login/oauth/authorize', usual));
  const body = form(app, { code });
  return field(
    await idp.send('POST', '/github/login/oauth/access_token', { body, headers: JSON_ONLY }),
    'access_token',
  );
}

/** A short-lived access token of Alice's for Facebook's app. */
export async function facebookToken(
  idp: SocialProvider,
  client_id = '1001',
  secret = CLIENT_SECRET,
): Promise<string> {
  const asked = {
    client_id,
    redirect_uri: CALLBACK,
    state: 's',
    scope: 'public_profile,email',
    login_hint: HINT,
  };
  const back = (await idp.query('/facebook/v3.3/dialog/oauth', asked)).headers.get('location') ?? '';
  const code = new URL(back).searchParams.get('code') ?? '';
  const app = { client_id, client_secret: secret, redirect_uri: CALLBACK, code };
  return field(await idp.query('/facebook/v3.3/oauth/access_token', app), 'access_token');
}

/** Alice's token and secret for the app at X. */
export async function twitterPair(idp: SocialProvider): Promise<{ token: string; secret: string }> {
  const app = { key: 'tw-key', secret: CLIENT_SECRET };
  const call = async (who: Parameters<typeof sign>[0], path: string, oauth: Record<string, string>) => {
    const parameters = sign(who, { method: 'POST', url: idp.url + path, oauth, now: idp.clock.now });
    const headers = { authorization: oauthHeader({ ...parameters, ...oauth }) };
    return new URLSearchParams((await idp.send('POST', path, { headers })).text);
  };
  const request = await call(app, '/twitter/oauth/request_token', { oauth_callback: CALLBACK });
  const token = request.get('oauth_token') ?? '';
  const back = await idp.query('/twitter/oauth/authenticate', { oauth_token: token, screen_name: 'alice' });
  const who = { ...app, token, tokenSecret: request.get('oauth_token_secret') ?? '' };
  const verifier = location(back).get('oauth_verifier') ?? '';
  const given = await call(who, '/twitter/oauth/access_token', { oauth_verifier: verifier });
  return { token: given.get('oauth_token') ?? '', secret: given.get('oauth_token_secret') ?? '' };
}
