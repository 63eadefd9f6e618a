import type { Answer } from './provider.js';
import { CALLBACK, CLIENT_SECRET, codeIn, form, HINT, type SocialProvider } from './social.js';

export const GOOGLE_CLIENT = 'g.apps.test';
export const DRIVE = 'https://www.googleapis.com/auth/drive';

type Values = Readonly<Record<string, string | undefined>>;

/** An app at Google: its calls with all that is usually sent, which a test can replace or leave out. */
export function googleApp(idp: SocialProvider) {
  const authorize = (values: Values = {}, headers: Record<string, string> = {}): Promise<Answer> => {
    const usual = { client_id: GOOGLE_CLIENT, redirect_uri: CALLBACK, response_type: 'code', state: 's' };
    const query = form(usual, { scope: `openid email ${DRIVE}`, login_hint: HINT }, values);
    return idp.send('GET', `/google/o/oauth2/v2/auth?${query}`, { headers });
  };
  const token = (values: Values): Promise<Answer> =>
    idp.send('POST', '/google/token', {
      body: form({ client_id: GOOGLE_CLIENT, client_secret: CLIENT_SECRET }, values),
    });
  const redeem = (code: string, values: Values = {}): Promise<Answer> =>
    token({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...values });
  const signIn = async (values: Values = {}): Promise<Answer> =>
    redeem(codeIn(await authorize({ access_type: 'offline', prompt: 'consent', ...values })));
  const refresh = (refreshToken: string, values: Values = {}): Promise<Answer> =>
    token({ grant_type: 'refresh_token', refresh_token: refreshToken, ...values });
  const freshUser = () => idp.removeApp('google', GOOGLE_CLIENT);
  return { authorize, token, redeem, signIn, refresh, freshUser };
}
