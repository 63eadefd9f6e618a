import { createHmac } from 'node:crypto';
import { headerOf, type Incoming } from '../../http/incoming.js';
import { sameText } from '../kit/text.js';

export type Parameter = readonly [name: string, value: string];

/** Percent-encoding of RFC 5849 §3.6: everything but unreserved characters. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Parameters of an `Authorization: OAuth` header without its realm (§3.5.1); undefined when it is none or malformed. */
export function headerParameters(header: string | undefined): readonly Parameter[] | undefined {
  const list = /^OAuth +(.*)$/is.exec(header ?? '')?.[1];
  if (list === undefined) return undefined;
  try {
    return [...list.matchAll(/([\w.~%-]+)="([^"]*)"/g)]
      .map(([, name = '', value = '']): Parameter => [decodeURIComponent(name), decodeURIComponent(value)])
      .filter(([name]) => name !== 'realm');
  } catch {
    return undefined;
  }
}

/** All parameters that are signed (§3.4.1.3.1): of the query, of the header, and of a form body. */
export function requestParameters(incoming: Incoming): readonly Parameter[] {
  const header = headerParameters(headerOf(incoming, 'authorization')) ?? [];
  return [...incoming.query, ...header, ...(incoming.form ?? [])];
}

/** Byte order, as §3.4.1.3.2 sorts encoded names and values: they are ASCII by then. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The signature base string (§3.4.1). `uri` is scheme, lower-case authority and path, without a query. */
export function baseString(method: string, uri: string, parameters: readonly Parameter[]): string {
  const encoded = parameters
    .filter(([name]) => name !== 'oauth_signature')
    .map(([name, value]): Parameter => [percentEncode(name), percentEncode(value)])
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map((pair) => pair.join('='));
  return [method.toUpperCase(), uri, encoded.join('&')].map(percentEncode).join('&');
}

export type Secrets = Readonly<{ consumer: string; token: string }>;

/** HMAC-SHA1 of a base string (§3.4.2), base64. */
export function hmacSha1(base: string, { consumer, token }: Secrets): string {
  const key = `${percentEncode(consumer)}&${percentEncode(token)}`;
  return createHmac('sha1', key).update(base).digest('base64');
}

/** The addresses a caller may have meant (§3.4.1.2): the host it asked for, or the one this provider calls itself. */
function requestUris(incoming: Incoming, baseUrl: string): readonly string[] {
  const { protocol, host } = new URL(baseUrl);
  const asked = `${protocol}//${headerOf(incoming, 'host') ?? host}`;
  const origins = URL.canParse(asked) ? [new URL(asked).origin] : [];
  return [...origins, `${protocol}//${host}`].map((origin) => origin + incoming.path);
}

/** Whether a request is signed with these secrets. */
export function isSignedBy(
  incoming: Incoming,
  secrets: Secrets,
  { baseUrl, signature }: Readonly<{ baseUrl: string; signature: string }>,
): boolean {
  const parameters = requestParameters(incoming);
  return requestUris(incoming, baseUrl).some((uri) =>
    sameText(hmacSha1(baseString(incoming.method, uri, parameters), secrets), signature),
  );
}
