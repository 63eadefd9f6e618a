import { createHash, hash } from 'node:crypto';
import { type JWTPayload, errors as jose, jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Key } from '../crypto/keys.js';
import type { Sealer } from '../crypto/seal.js';
import { decodeSession, encodeSession, type Session } from './session.js';

export interface IssuedToken {
  readonly token: string;
  /** The subject: the user's public id. */
  readonly sid: string;
}

/** The session as a JWT for `X-ZUMO-AUTH` (reference §5.5). */
export interface SessionTokens {
  /** @param root the site with a closing slash, which issues the token and is its audience */
  issue(session: Session, root: string): Promise<IssuedToken>;
  /** The session in a token of this site, expired or not; undefined for any other token. */
  open(token: string, root: string): Promise<Session | undefined>;
}

export type SidStyle = 'stable' | 'profile';

interface Known {
  readonly session: Session;
  readonly root: string;
}

/** The algorithm by key length: up to 32 bytes HS256, up to 48 HS384, else HS512. */
export function algorithmFor(secret: Uint8Array): 'HS256' | 'HS384' | 'HS512' {
  if (secret.length <= 32) return 'HS256';
  return secret.length <= 48 ? 'HS384' : 'HS512';
}

/**
 * `sid:` and 32 hexadecimal digits that say nothing about who the user is: the same at every sign-in, or, with `profile`, as long as
 * the user's name stays the same (reference §5.5).
 */
export function publicSid({ user, principal }: Session, style: SidStyle): string {
  const text = style === 'stable' ? `sid:${user}` : `sid:${user}:${principal.name ?? ''}`;
  return `sid:${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
}

export interface SessionTokenDeps {
  readonly signers: readonly [Key, ...Key[]];
  readonly sealer: Sealer;
  readonly sidStyle: SidStyle;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Signs session tokens with the first of `signers` and accepts those of all, so that a new key can be put in front. Who the user is
 * travels sealed in a member of the token: several gateways with the same keys accept it without asking a store.
 */
export function createSessionTokens({ signers, sealer, sidStyle, now }: SessionTokenDeps): SessionTokens {
  const opened = new LRUCache<string, Known>({
    maxSize: 32_000_000,
    sizeCalculation: (_known, key) => key.length + 4_000,
  });
  const claimsOf = async (token: string, root: string): Promise<JWTPayload | undefined> => {
    for (const { secret } of signers) {
      try {
        // The end is the caller's to judge: one route accepts a token some time after it.
        const { payload } = await jwtVerify(token, secret, {
          algorithms: [algorithmFor(secret)],
          issuer: root,
          audience: root,
          currentDate: new Date(0),
          clockTolerance: Number.MAX_SAFE_INTEGER,
        });
        return payload;
      } catch (error) {
        if (!(error instanceof jose.JOSEError)) throw error;
      }
    }
    return undefined;
  };
  const sessionIn = ({ session: sealed, sub }: JWTPayload): Session | undefined => {
    if (typeof sealed !== 'string' || sub === undefined) return undefined;
    const text = sealer.open(Buffer.from(sealed, 'base64url'), sub);
    return text === undefined ? undefined : decodeSession(text);
  };
  return {
    issue: async (session, root) => {
      const sub = publicSid(session, sidStyle);
      const sealed = sealer.seal(encodeSession(session), sub).toString('base64url');
      const { secret } = signers[0];
      const stable = sidStyle === 'stable' ? {} : { stable_sid: publicSid(session, 'stable') };
      const token = await new SignJWT({
        idp: session.principal.provider,
        ver: '3',
        ...stable,
        session: sealed,
      })
        .setProtectedHeader({ alg: algorithmFor(secret), typ: 'JWT' })
        .setIssuer(root)
        .setAudience(root)
        .setSubject(sub)
        .setNotBefore(Math.floor(now() / 1000))
        .setExpirationTime(Math.floor(session.expiresAt / 1000))
        .sign(secret);
      return { token, sid: sub };
    },
    open: async (token, root) => {
      if (token.length > 40_000) return undefined;
      const key = hash('sha256', token, 'base64');
      const known = opened.get(key);
      if (known !== undefined) return known.root === root ? known.session : undefined;
      const claims = await claimsOf(token, root);
      const session = claims === undefined ? undefined : sessionIn(claims);
      if (session !== undefined) opened.set(key, { session, root });
      return session;
    },
  };
}
