import { createHmac } from 'node:crypto';
import type { TokenPair } from '../../domain/session_credential.js';

export interface SignedCall {
  readonly method: 'GET' | 'POST';
  /** Without query. */
  readonly url: string;
  readonly consumer: TokenPair;
  readonly user: TokenPair;
  readonly nonce: string;
  /** Seconds since the epoch. */
  readonly timestamp: number;
}

/** `Authorization` of a request without parameters of its own, by HMAC-SHA1 (RFC 5849 §3.4.2, §3.5.1). */
export function oauth1Header({ method, url, consumer, user, nonce, timestamp }: SignedCall): string {
  const parameters: Record<string, string> = {
    oauth_consumer_key: consumer.token,
    oauth_nonce: nonce,
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(timestamp),
    oauth_token: user.token,
    oauth_version: '1.0',
  };
  const sorted = Object.entries(parameters)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort();
  const base = [method, encode(url), encode(sorted.join('&'))].join('&');
  const key = `${encode(consumer.secret)}&${encode(user.secret)}`;
  const signature = createHmac('sha1', key).update(base).digest('base64');
  const all = Object.entries({ ...parameters, oauth_signature: signature });
  return `OAuth ${all.map(([name, value]) => `${encode(name)}="${encode(value)}"`).join(', ')}`;
}

/** RFC 5849 §3.6: everything but letters, digits, `-`, `.`, `_` and `~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
