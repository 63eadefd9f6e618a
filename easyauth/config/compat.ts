/** A choice where the real service's behaviour is not documented. `values` absent means `true` or `false`. */
interface CompatOption {
  readonly default: string;
  readonly values: readonly string[];
  readonly says: string;
}

const onOff = ['false', 'true'] as const;

/** Every option, its default first choice and what it decides. Set by `EASYAUTH_COMPAT=name=value,…` or `--compat name=value`. */
export const compatOptions = {
  csrf: {
    default: 'all-unsafe',
    values: ['all-unsafe', 'post-only'],
    says: 'methods under the cross-site rule: POST PUT PATCH DELETE and WebSocket upgrades, or POST alone as documented',
  },
  strictAzureOverwrite: {
    default: 'false',
    values: onOff,
    says: 'a sign-in or refresh that brings no refresh token drops the stored one, as the real service does',
  },
  hideTokensFromMe: {
    default: 'false',
    values: onOff,
    says: '/.auth/me leaves the tokens out; the app still receives them in headers',
  },
  cookieLifetimeFrom: {
    default: 'sign-in',
    values: ['sign-in', 'id-token'],
    says: 'the session lifetime counts from the sign-in or from the ID token issue time',
  },
  escapeSlashes: {
    default: 'false',
    values: onOff,
    says: 'JSON written with \\/ as .NET does',
  },
  missingRefreshToken: {
    default: '403',
    values: ['403', '400'],
    says: 'status of /.auth/refresh when a provider that can refresh left no refresh token',
  },
  unsupportedRefresh: {
    default: '400',
    values: ['400', '403'],
    says: 'status of /.auth/refresh for a provider that never gives refresh tokens',
  },
  bearerRefresh: {
    default: '401',
    values: ['401', '403'],
    says: 'status of /.auth/refresh for a caller with a bearer token and no session',
  },
  cookieRefreshBody: {
    default: 'empty',
    values: ['empty', 'json'],
    says: 'body of /.auth/refresh for a cookie session: none, or the session token as X-ZUMO-AUTH callers get it',
  },
  refreshByPost: {
    default: 'true',
    values: ['true', 'false'],
    says: '/.auth/refresh by POST is accepted, under the cross-site rule',
  },
  anonymousMe: {
    default: '401',
    values: ['401', 'empty-array'],
    says: '/.auth/me for anonymous callers under AllowAnonymous',
  },
  emptyStoreMe: {
    default: 'empty-array',
    values: ['empty-array', '401'],
    says: '/.auth/me for a session whose tokens are not in the store',
  },
  revokedMe: {
    default: '403',
    values: ['403', '200'],
    says: '/.auth/me once the provider has refused the stored refresh token as revoked: 403 until the next sign-in, or what is stored',
  },
  tokenStoreOff: {
    default: '404',
    values: ['404', '403'],
    says: 'status of /.auth/me and /.auth/refresh while the token store is off',
  },
  credentialPrecedence: {
    default: 'zumo-bearer-cookie',
    values: ['zumo-bearer-cookie', 'bearer-zumo-cookie', 'cookie-zumo-bearer'],
    says: 'which credential decides when a request carries several',
  },
  sessionTokenLife: {
    default: 'access-token',
    values: ['access-token', '30-days'],
    says: 'life of the session token: that of the access token where known, else 30 days; or always 30 days',
  },
  standardProxy: {
    default: 'host-and-proto',
    values: ['host-and-proto', 'host-only'],
    says: 'headers trusted under forwardProxy.convention Standard',
  },
  badRedirect: {
    default: '400',
    values: ['400', 'ignore'],
    says: 'a redirect target that is not allowed is refused, or replaced by the default page',
  },
  unknownRoutes: {
    default: '404',
    values: ['404', 'forward'],
    says: 'paths under the prefix that are no route are answered, or passed to the app like any other',
  },
  httpOnLoopback: {
    default: 'false',
    values: onOff,
    says: 'requireHttps lets plain http through for loopback hosts',
  },
  unauthorizedBody: {
    default: 'empty',
    values: ['empty', 'windows'],
    says: 'body of a 401: none as on Linux, or the text of IIS',
  },
  expiresOnForm: {
    default: 'round-trip',
    values: ['round-trip', 'epoch-seconds'],
    says: 'text of expires_on and X-MS-TOKEN-*-EXPIRES-ON: yyyy-MM-ddTHH:mm:ss.fffffffZ, or seconds since 1970',
  },
  sid: {
    default: 'stable',
    values: ['stable', 'profile'],
    says: 'user id in session tokens: the same for ever, or changing with the name of the user as the real service does unless WEBSITE_AUTH_HIDE_DEPRECATED_SID is true; that setting wins over this option',
  },
  xProviderName: {
    default: 'twitter',
    values: ['twitter', 'x'],
    says: 'name reported for X in the principal and /.auth/me; token headers stay X-MS-TOKEN-TWITTER-*',
  },
  multiValuedClaims: {
    default: 'repeat',
    values: ['repeat', 'join'],
    says: 'a claim with several values becomes one element a value, or one element with commas',
  },
} as const satisfies Record<string, CompatOption>;

export type CompatName = keyof typeof compatOptions;
export type Compat = { readonly [K in CompatName]: (typeof compatOptions)[K]['values'][number] };

function isName(name: string): name is CompatName {
  return Object.hasOwn(compatOptions, name);
}

/**
 * Reads `name=value` pairs over the defaults.
 * @param report receives the fault of each pair that names no option or no allowed value
 */
export function readCompat(pairs: readonly string[], report: (text: string) => void): Compat {
  const chosen: Record<string, string> = {};
  for (const name of Object.keys(compatOptions)) if (isName(name)) chosen[name] = compatOptions[name].default;
  for (const pair of pairs.map((item) => item.trim()).filter((item) => item !== '')) {
    const [name = '', value = ''] = pair.split('=', 2);
    if (!isName(name)) report(`has no option of that name: ${Object.keys(compatOptions).join(', ')}`);
    else if (!compatOptions[name].values.some((allowed) => allowed === value))
      report(`${name} must be one of ${compatOptions[name].values.join(', ')}`);
    else chosen[name] = value;
  }
  // Filled from the table above and only ever overwritten with values of the same table.
  return chosen as unknown as Compat;
}
