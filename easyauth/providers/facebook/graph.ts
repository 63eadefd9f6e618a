import { createHmac } from 'node:crypto';
import type { FacebookSettings } from '../../config/provider_settings.js';
import { isRecord } from '../../config/reader.js';
import { InvalidTokenError, ProviderError } from '../../errors.js';
import type { ProviderAnswer, ProviderHttp } from '../openid/provider_http.js';

/** Codes of the Graph API that blame the token or the user: expired, revoked, checkpoint, permission (Meta, error handling). */
const userCodes = new Set([100, 102, 190, 463, 467]);

/** A refusal in Graph's shape, `{"error":{"code":190,…}}`; its message is left out, it may name people. */
function graphError({ status, body }: ProviderAnswer): ProviderError {
  const error = isRecord(body) && isRecord(body.error) ? body.error : {};
  const code = typeof error.code === 'number' ? error.code : undefined;
  const text = `Facebook answers ${status}${code === undefined ? '' : ` code ${code}`}`;
  if (status >= 500 || status === 429 || code === 1 || code === 2 || code === 4 || code === 17)
    return new ProviderError('unreachable', text);
  if (code !== undefined && userCodes.has(code)) return new ProviderError('rejected', text);
  return new ProviderError(code === undefined ? 'unreachable' : 'misconfigured', text);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) ? value : undefined;
}

export interface FacebookToken {
  readonly accessToken: string;
  readonly expiresIn: number | undefined;
}

/** Facebook's Graph API as far as a sign-in needs it. Each call throws ProviderError. */
export interface Graph {
  redeemCode(code: string, redirectUri: string): Promise<FacebookToken>;
  /** Changes a fresh token for one that lives about 60 days. */
  exchange(accessToken: string): Promise<FacebookToken>;
  me(accessToken: string): Promise<Record<string, unknown>>;
  /** The user a token was issued for, to this app. @throws InvalidTokenError */
  inspect(accessToken: string): Promise<{ userId: string; expiresAt: number | undefined }>;
}

const fields = 'id,name,email,first_name,last_name';

export function createGraph(settings: FacebookSettings, http: ProviderHttp): Graph {
  const { graphUrl, graphVersion, clientId } = settings;
  const base = `${graphUrl}/${graphVersion}`;
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const token = async (grant: Record<string, string>): Promise<FacebookToken> => {
    const form = new URLSearchParams({ ...grant, client_id: clientId });
    form.set('client_secret', settings.secret.reveal());
    const answer = await http.post(`${base}/oauth/access_token`, form);
    const accessToken = isRecord(answer.body) ? textOf(answer.body.access_token) : undefined;
    if (answer.status !== 200 || !isRecord(answer.body) || accessToken === undefined)
      throw graphError(answer);
    const seconds = Number(answer.body.expires_in);
    return { accessToken, expiresIn: Number.isFinite(seconds) && seconds > 0 ? seconds : undefined };
  };
  return {
    redeemCode: (code, redirect_uri) => token({ code, redirect_uri }),
    exchange: (fb_exchange_token) => token({ grant_type: 'fb_exchange_token', fb_exchange_token }),
    me: async (accessToken) => {
      // Shows that the caller is the app the token belongs to; Facebook can be set to demand it.
      const proof = createHmac('sha256', settings.secret.reveal()).update(accessToken).digest('hex');
      const query = new URLSearchParams({ fields, appsecret_proof: proof });
      const answer = await http.get(`${base}/me?${query}`, bearer(accessToken));
      if (answer.status !== 200 || !isRecord(answer.body)) throw graphError(answer);
      return answer.body;
    },
    inspect: async (accessToken) => {
      // The Graph API takes both tokens as parameters only; the URL is never logged.
      const query = new URLSearchParams({ input_token: accessToken });
      query.set('access_token', `${clientId}|${settings.secret.reveal()}`);
      const answer = await http.get(`${base}/debug_token?${query}`);
      const data = isRecord(answer.body) && isRecord(answer.body.data) ? answer.body.data : undefined;
      if (answer.status !== 200 || data === undefined) throw graphError(answer);
      const { app_id: app, user_id: user, is_valid: valid, expires_at: ends } = data;
      if (
        valid !== true ||
        String(app) !== clientId ||
        (typeof user !== 'string' && typeof user !== 'number')
      )
        throw new InvalidTokenError('the token is not valid or of another app');
      return {
        userId: String(user),
        expiresAt: typeof ends === 'number' && ends > 0 ? ends * 1000 : undefined,
      };
    },
  };
}
