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
