import { createHmac, randomBytes } from 'node:crypto';

/** Percent-encoding of RFC 5849 §3.6: everything but unreserved characters. */
export function oauthEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export interface OAuth1Keys {
  readonly consumerKey: string;
  readonly consumerSecret: string;
  readonly token?: string | undefined;
  readonly tokenSecret?: string | undefined;
}

export interface OAuth1Request {
  readonly method: 'GET' | 'POST';
  /** With its query, whose parameters are signed too. */
  readonly url: string;
  /** Form parameters, signed with the rest. */
  readonly form?: URLSearchParams;
  /** Further protocol parameters such as `oauth_callback`. */
  readonly extra?: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly nonce?: string;
}

type Pair = readonly [string, string];

const byCode = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** The signature base string (RFC 5849 §3.4.1). */
export function signatureBase({ method, url, form }: OAuth1Request, oauth: readonly Pair[]): string {
  const address = new URL(url);
  const pairs = [...oauth, ...address.searchParams, ...(form ?? [])]
    .map(([name, value]): Pair => [oauthEncode(name), oauthEncode(value)])
    .sort((a, b) => byCode(a[0], b[0]) || byCode(a[1], b[1]));
  const parameters = pairs.map(([name, value]) => `${name}=${value}`).join('&');
  return [method, `${address.origin}${address.pathname}`, parameters].map(oauthEncode).join('&');
}

/** The `Authorization` header of a request signed with HMAC-SHA1 (RFC 5849 §3.4.2, §3.5.1). */
export function oauthHeader(keys: OAuth1Keys, request: OAuth1Request): string {
  const oauth: Pair[] = Object.entries({
    oauth_consumer_key: keys.consumerKey,
    oauth_nonce: request.nonce ?? randomBytes(16).toString('hex'),
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(Math.floor(request.now / 1000)),
    ...(keys.token === undefined ? {} : { oauth_token: keys.token }),
    oauth_version: '1.0',
    ...request.extra,
  });
  const key = `${oauthEncode(keys.consumerSecret)}&${oauthEncode(keys.tokenSecret ?? '')}`;
  const signature = createHmac('sha1', key).update(signatureBase(request, oauth)).digest('base64');
  const all = [...oauth, ['oauth_signature', signature] as const];
  return `OAuth ${all.map(([name, value]) => `${oauthEncode(name)}="${oauthEncode(value)}"`).join(', ')}`;
}
