import type { MicrosoftAccountSettings } from '../../config/provider_settings.js';
import { isRecord } from '../../config/reader.js';
import { ProviderError } from '../../errors.js';
import type { ClaimStyle } from '../../identity/claim_types.js';
import type { Principal } from '../../identity/principal.js';
import type { ProviderHttp } from '../openid/provider_http.js';
import { redeem, type TokenAnswer } from '../openid/tokens.js';
import { profilePrincipal } from '../profile_claims.js';

export const alias = 'microsoftaccount';

type Profile = Readonly<Record<string, unknown>>;

function emailOf(emails: unknown): unknown {
  return isRecord(emails) ? (emails.account ?? emails.preferred) : undefined;
}

/** The user a profile tells of. @throws ProviderError when it tells of none */
export function principalOf(profile: Profile, style: ClaimStyle): Principal {
  const { id, name, first_name, last_name, emails, locale, link } = profile;
  if (typeof id !== 'string' || id === '') throw new ProviderError('unreachable', 'Live tells of no user');
  const readable = typeof name === 'string' && name !== '' ? name : id;
  const known = { email: emailOf(emails), given_name: first_name, family_name: last_name };
  const others = { id, name, first_name, last_name, locale, link };
  return profilePrincipal({ alias, id, name: readable, known, others }, style);
}

/** Live Connect as far as a sign-in needs it. Each call throws ProviderError. */
export interface Live {
  grant(members: Readonly<Record<string, string>>): Promise<TokenAnswer>;
  profile(accessToken: string): Promise<Profile>;
}

export function createLive(settings: MicrosoftAccountSettings, http: ProviderHttp): Live {
  return {
    grant: (members) => {
      const form = new URLSearchParams({ ...members, client_id: settings.clientId });
      form.set('client_secret', settings.secret.reveal());
      return redeem(http, `${settings.baseUrl}/oauth20_token.srf`, form);
    },
    profile: async (accessToken) => {
      const headers = { authorization: `Bearer ${accessToken}` };
      const { status, body } = await http.get(`${settings.apiUrl}/v5.0/me`, headers);
      if (status === 200 && isRecord(body)) return body;
      const refused = status === 400 || status === 401 || status === 403;
      throw new ProviderError(refused ? 'rejected' : 'unreachable', `Live answers ${status}`);
    },
  };
}
