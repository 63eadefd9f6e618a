import { createHmac, createPublicKey, type KeyObject } from 'node:crypto';
import { exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type JWK, SignJWT } from 'jose';
import type { HttpClient } from '../../../shared/adapters/http_client.js';
import { createProviderDocuments } from '../../../shared/adapters/provider/metadata.js';
import type { ConfiguredProvider } from '../../../shared/adapters/provider/provider.js';
import type { ProviderSettings } from '../../../shared/config.js';
import type { Clock } from '../../../shared/ports.js';
import { aad } from '../../../shared/providers/aad.js';

export const TENANT = '11111111-1111-4111-8111-111111111111';
export const BROKER_APP = '22222222-2222-4222-8222-222222222222';
const ORIGIN = 'https://login.test';
export const ISSUER = `${ORIGIN}/${TENANT}/v2.0`;

export const settings: ProviderSettings = {
  name: 'aad',
  issuer: ISSUER,
  tenant: TENANT,
  rolesCount: true,
  clientId: BROKER_APP,
  credential: { secret: 'the secret of the app registration' },
  audiences: ['api://token-broker', BROKER_APP],
};

/** Claims as a forger may write them: any, missing, of any type. */
export type Claims = Readonly<Record<string, unknown>>;

export interface SigningKey {
  readonly kid: string;
  readonly pkcs8: string;
  readonly publicJwk: JWK;
}

export async function newKey(kid: string): Promise<SigningKey> {
  const pair = await generateKeyPair('RS256', { extractable: true });
  const publicJwk = { ...(await exportJWK(pair.publicKey)), kid, use: 'sig', alg: 'RS256' };
  return { kid, pkcs8: await exportPKCS8(pair.privateKey), publicJwk };
}

/** A provider as the adapters meet it: metadata and keys behind an HTTP client that counts and can be broken. */
export interface TestIssuer {
  readonly provider: ConfiguredProvider;
  readonly http: HttpClient;
  /** Paths asked for, in order. */
  readonly asked: string[];
  publish(...keys: readonly SigningKey[]): void;
  breakDown(): void;
  mend(): void;
}

export function createIssuer(clock: Clock, ...first: readonly SigningKey[]): TestIssuer {
  const asked: string[] = [];
  let keys = first;
  let broken = false;
  const http: HttpClient = async ({ url }) => {
    const { pathname } = new URL(url);
    asked.push(pathname);
    if (broken) throw new Error('the network is down');
    const document = pathname.endsWith('openid-configuration')
      ? { issuer: ISSUER, token_endpoint: `${ORIGIN}/token`, jwks_uri: `${ORIGIN}/keys` }
      : { keys: keys.map(({ publicJwk }) => publicJwk) };
    return { status: 200, headers: {}, body: JSON.stringify(document) };
  };
  const provider = { settings, rules: aad, documents: createProviderDocuments(settings, { http, clock }) };
  return {
    provider,
    http,
    asked,
    publish: (...given) => {
      keys = given;
    },
    breakDown: () => {
      broken = true;
    },
    mend: () => {
      broken = false;
    },
  };
}

/** Signs claims as Entra would, unless the header says otherwise. */
export async function sign(
  key: SigningKey,
  claims: Claims,
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const alg = typeof header.alg === 'string' ? header.alg : 'RS256';
  return new SignJWT({ ...claims })
    .setProtectedHeader({ kid: key.kid, typ: 'JWT', ...header, alg })
    .sign(await importPKCS8(key.pkcs8, alg));
}

/** A token put together by hand, for what no library would sign. */
export function forge(header: object, claims: Claims, secret?: string | KeyObject): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(header)}.${part(claims)}`;
  const mac = secret === undefined ? '' : createHmac('sha256', secret).update(signed).digest('base64url');
  return `${signed}.${mac}`;
}

/** The public key as the text an attacker can get at: the HMAC secret of the classic confusion. */
export function publicPem(key: SigningKey): string {
  return createPublicKey({ key: { ...key.publicJwk }, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString();
}
