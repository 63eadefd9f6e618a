import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import type { SocialDirectory } from '../../../local/identity_provider/directory/social.js';
import type { DirectoryFile } from '../../../local/identity_provider/directory/types.js';
import type { IdentityProviderOptions } from '../../../local/identity_provider/server.js';
import { AUDRA, BOB, directory } from './directory.js';
import { location, readAnswer, startTestProvider } from './provider.js';

export const CALLBACK = 'http://localhost:8080/.auth/login/social/callback';
export const HINT = 'alice@contoso.test';
export const CLIENT_SECRET = 'social-secret-canary';
const appleKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** One app at every personality, a second of those with options, and two users who differ from what is derived. */
export const social: SocialDirectory = {
  users: [
    { oid: BOB, handle: 'bobby', email: 'bob@mail.test', email_verified: false, hide_email: true },
    { oid: AUDRA, ids: { google: '111111111111111111111' }, hosted_domain: null },
  ],
  apps: [
    { personality: 'google', client_id: 'g.apps.test', secret: CLIENT_SECRET, redirect_uris: [CALLBACK] },
    {
      personality: 'google',
      client_id: 'g2.apps.test',
      secret: 'other',
      redirect_uris: [CALLBACK],
      options: { testing: true },
    },
    { personality: 'facebook', client_id: '1001', secret: CLIENT_SECRET, redirect_uris: [CALLBACK] },
    {
      personality: 'facebook',
      client_id: '1002',
      secret: 'other',
      redirect_uris: [CALLBACK],
      options: { require_appsecret_proof: true },
    },
    { personality: 'twitter', client_id: 'tw-key', secret: CLIENT_SECRET, redirect_uris: [CALLBACK] },
    { personality: 'twitter', client_id: 'tw-other', secret: 'other', redirect_uris: [CALLBACK] },
    { personality: 'x2', client_id: 'x-app', secret: CLIENT_SECRET, redirect_uris: [CALLBACK] },
    { personality: 'x2', client_id: 'x-public', redirect_uris: [CALLBACK] },
    { personality: 'github', client_id: 'Ov23', secret: CLIENT_SECRET, redirect_uris: [CALLBACK] },
    {
      personality: 'github',
      client_id: 'Iv1',
      secret: 'other',
      redirect_uris: [CALLBACK],
      options: { expiring_tokens: true },
    },
    {
      personality: 'apple',
      client_id: 'test.contoso.web',
      team_id: 'TEAM123456',
      key_id: 'KEY1234567',
      public_key: appleKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      redirect_uris: [CALLBACK],
    },
    {
      personality: 'apple',
      client_id: 'test.contoso.daily',
      team_id: 'TEAM123456',
      key_id: 'KEY1234567',
      public_key: appleKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      redirect_uris: [CALLBACK],
      options: { throttle_refresh: true },
    },
  ],
};

export const socialDirectory: DirectoryFile = { ...directory, social };

/** Values without the names set to `undefined`, so that a test can leave out what is usually sent. */
export function form(...parts: readonly Readonly<Record<string, string | undefined>>[]): URLSearchParams {
  const merged = new Map(parts.flatMap((part) => Object.entries(part)));
  const result = new URLSearchParams();
  for (const [name, value] of merged) if (value !== undefined) result.set(name, value);
  return result;
}

export function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

/** A provider with all personalities. */
export async function startSocialProvider(options: Partial<IdentityProviderOptions> = {}) {
  const idp = await startTestProvider({ directory: socialDirectory, ...options });
  const send = async (method: string, path: string, init: RequestInit = {}) =>
    readAnswer(await fetch(`http://localhost:${idp.port}${path}`, { method, redirect: 'manual', ...init }));
  const query = (path: string, ...values: readonly Readonly<Record<string, string | undefined>>[]) =>
    send('GET', `${path}?${form(...values)}`);
  const bearer = (path: string, token: string) =>
    send('GET', path, { headers: { authorization: `Bearer ${token}` } });
  const knob = (action: string, user = HINT) => send('POST', `/_admin/users/${user}/${action}`);
  const removeApp = (personality: string, client_id: string) =>
    idp.admin('POST', `/social/users/${HINT}/remove-app`, { personality, client_id });
  return { ...idp, send, query, bearer, knob, removeApp };
}

export type SocialProvider = Awaited<ReturnType<typeof startSocialProvider>>;

/** The code in a redirect. */
export function codeIn(answer: Parameters<typeof location>[0]): string {
  return location(answer).get('code') ?? '';
}

export type AppleSecret = Readonly<{
  kid?: string;
  iss?: string;
  sub?: string;
  aud?: string;
  /** Seconds from now. */
  life?: number;
  key?: Parameters<SignJWT['sign']>[0];
}>;

/** An Apple client secret, as a developer signs it; each part can be made wrong. */
export function appleSecret(idp: Pick<SocialProvider, 'url' | 'clock'>, parts: AppleSecret = {}) {
  const { kid = 'KEY1234567', iss = 'TEAM123456', sub = 'test.contoso.web' } = parts;
  const { aud = `${idp.url}/apple`, life = 3600, key = appleKeys.privateKey } = parts;
  const now = Math.floor(idp.clock.now / 1000);
  return new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuer(iss)
    .setSubject(sub)
    .setAudience(aud)
    .setIssuedAt(now)
    .setExpirationTime(now + life)
    .sign(key);
}
