import type { AppleSettings } from '../../config/provider_settings.js';
import { isRecord } from '../../config/reader.js';
import { toClaims } from '../../identity/claim_types.js';
import type { ProviderDeps } from '../deps.js';
import { signInOnly } from '../no_refresh.js';
import { openidPrincipal } from '../openid/identity.js';
import { createMetadata } from '../openid/metadata.js';
import { createRelyingParty } from '../openid/relying_party.js';
import type { LoginReturn, Provider, SignedIn } from '../provider.js';

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/**
 * The name Apple posts once, beside the code. It is not signed, so it names the user and decides nothing: the e-mail address is
 * taken from the ID token only.
 */
function postedName(parameters: URLSearchParams): Record<string, string> {
  const user = parsed(parameters.get('user') ?? '');
  const name = isRecord(user) && isRecord(user.name) ? user.name : {};
  const out: Record<string, string> = {};
  for (const [claim, value] of [
    ['given_name', name.firstName],
    ['family_name', name.lastName],
  ] as const)
    if (typeof value === 'string' && value !== '' && value.length <= 200) out[claim] = value;
  return out;
}

/** Sign in with Apple. The client secret is the signed JWT as given; refresh is not supported (reference §4.5). */
export function createApple(settings: AppleSettings, deps: ProviderDeps): Provider {
  const { claimStyle: style } = deps;
  const { baseUrl, clientId, secret } = settings;
  const metadata = createMetadata({ ...deps, url: `${baseUrl}/.well-known/openid-configuration` });
  const party = createRelyingParty({
    ...deps,
    alias: 'apple',
    clientId,
    secret,
    metadata: metadata.get,
    issuersOf: ({ issuer }) => [issuer],
    principalOf: (payload) => openidPrincipal(payload, { alias: 'apple', style, byEmail: true }),
  });
  const completeLogin = async (answer: LoginReturn): Promise<SignedIn> => {
    const { principal: bare, tokens, ...rest } = await party.complete(answer);
    const claims = [...bare.claims, ...toClaims(postedName(answer.parameters), style)];
    // Apple's refresh token cannot be redeemed by /.auth/refresh, and the documented header set has none.
    return {
      ...rest,
      principal: { ...bare, claims },
      tokens: { ...tokens, claims, refreshToken: undefined },
    };
  };
  return {
    ...signInOnly,
    alias: 'apple',
    otherNames: [],
    nonceInState: false,
    acceptTokens: undefined,
    loginUrl: (start) => {
      const scope = start.parameters.get('scope') ?? settings.scopes.join(' ');
      const personal = /(?:^| )(?:name|email)(?: |$)/.test(scope);
      return party.authorize(start, scope, new Map(personal ? [['response_mode', 'form_post']] : []));
    },
    completeLogin,
  };
}
