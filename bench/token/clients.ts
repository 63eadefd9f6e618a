import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';

/** Clients of the benchmark's own policy and of its peer, by how they prove who they are. */
export const BY_SECRET = 'by-secret';
export const BY_KEY = 'by-key';
export const BY_KEY_REUSED = 'by-key-reused';
export const SECRET = 'a-secret-that-is-only-for-this-benchmark';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const publicKey = {
  ...pair.publicKey.export({ format: 'jwk' }),
  kid: 'bench',
  use: 'sig',
  alg: 'ES256',
};

const LIFE_SECONDS = 300;

/** A new assertion (RFC 7523 §2.2), with an id of its own. */
export function assertion(clientId: string, audience: string): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: clientId,
    sub: clientId,
    aud: audience,
    jti: randomUUID(),
    iat: now,
    exp: now + LIFE_SECONDS,
  };
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${encode({ alg: 'ES256', kid: 'bench', typ: 'JWT' })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(input), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}
