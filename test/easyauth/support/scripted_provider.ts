import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { Clock } from './clock.js';
import { bodyText, type Listening, listen } from './http_server.js';

export const tid = '11111111-1111-4111-8111-111111111111';
export const clientId = '22222222-2222-4222-8222-222222222222';
export const clientSecret = 'S3cret~canary-client';
export const aliceOid = 'aaaaaaaa-0000-4000-8000-000000000001';

type Claims = Record<string, unknown>;

export interface Fault {
  status: number;
  body?: unknown;
  reset?: boolean;
}

/** What a test can change about the provider while it runs. */
export interface Script {
  /** Claims of the signed-in user, laid over the ordinary ones. */
  user: Claims;
  refreshTokens: boolean;
  rotate: boolean;
  idTokenOnRefresh: boolean;
  expiresIn: number;
  /** Changes the ID token's claims or the posted form on the way back. */
  tamper: ((claims: Claims) => Claims) | undefined;
  tokenDelayMs: number;
  tokenFault: Fault | undefined;
  metadataFault: boolean;
  keysFault: boolean;
}

interface Signer {
  kid: string;
  key: CryptoKey;
  jwk: JWK;
}

export interface ScriptedProvider extends Listening {
  readonly issuer: string;
  readonly script: Script;
  readonly tokenCalls: URLSearchParams[];
  readonly authorizeCalls: URLSearchParams[];
  counts: { metadata: number; keys: number };
  /** Signs any claims as this provider would, an hour's life by default. */
  sign(claims: Claims, header?: Record<string, unknown>): Promise<string>;
  rotateKeys(): Promise<void>;
}

async function makeSigner(): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = randomUUID();
  return { kid, key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'RS256' } };
}

const half = (text: string) =>
  createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url');

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** A small OpenID provider in Entra's manner, for what a real one will not do on demand. */
export async function startScriptedProvider(clock: Clock): Promise<ScriptedProvider> {
  let signer = await makeSigner();
  const codes = new Map<string, { nonce: string }>();
  const refreshTokens = new Set<string>();
  const script: Script = {
    user: {},
    refreshTokens: true,
    rotate: true,
    idTokenOnRefresh: true,
    expiresIn: 3600,
    tamper: undefined,
    tokenDelayMs: 0,
    tokenFault: undefined,
    metadataFault: false,
    keysFault: false,
  };
  const tokenCalls: URLSearchParams[] = [];
  const authorizeCalls: URLSearchParams[] = [];
  const counts = { metadata: 0, keys: 0 };
  let origin = '';

  const sign = (claims: Claims, header: Record<string, unknown> = {}) => {
    const now = Math.floor(clock.now() / 1000);
    const times = { iat: now, nbf: now, exp: now + 3600 };
    const payload = { iss: `${origin}/${tid}/v2.0`, ...times, ...claims };
    return new SignJWT(payload)
      .setProtectedHeader({ alg: 'RS256', kid: signer.kid, ...header })
      .sign(signer.key);
  };
  const idToken = (extra: Claims) => {
    const claims: Claims = {
      aud: clientId,
      sub: 'alice-pairwise',
      oid: aliceOid,
      tid,
      name: 'Alice Archer',
      email: 'alice@contoso.test',
      preferred_username: 'alice@contoso.test',
      ver: '2.0',
      ...script.user,
      ...extra,
    };
    return sign(script.tamper?.(claims) ?? claims);
  };

  const authorize = async (query: URLSearchParams, response: ServerResponse) => {
    authorizeCalls.push(query);
    const code = randomUUID();
    const nonce = query.get('nonce') ?? '';
    codes.set(code, { nonce });
    const hybrid = query.get('response_type') !== 'id_token';
    const token = await idToken(hybrid ? { nonce, c_hash: half(code) } : { nonce });
    const fields = { ...(hybrid ? { code } : {}), id_token: token, state: query.get('state') ?? '' };
    send(response, 200, { post: query.get('redirect_uri'), fields });
  };

  const redeemable = (form: URLSearchParams): { nonce?: string } | undefined => {
    if (form.get('grant_type') === 'refresh_token')
      return refreshTokens.has(form.get('refresh_token') ?? '') ? {} : undefined;
    const code = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    return code;
  };

  const issue = async (first: boolean, extra: Claims) => {
    const refresh_token = script.refreshTokens && (first || script.rotate) ? `rt.${randomUUID()}` : undefined;
    if (refresh_token !== undefined) refreshTokens.add(refresh_token);
    const id_token = first || script.idTokenOnRefresh ? await idToken(extra) : undefined;
    const { expiresIn: expires_in } = script;
    return { access_token: `at.${randomUUID()}`, token_type: 'Bearer', expires_in, refresh_token, id_token };
  };

  const grant = async (form: URLSearchParams, response: ServerResponse) => {
    if (form.get('client_secret') !== clientSecret) return send(response, 401, { error: 'invalid_client' });
    const held = redeemable(form);
    if (held === undefined)
      return send(response, 400, { error: 'invalid_grant', error_description: 'canary alice' });
    send(response, 200, await issue(form.get('grant_type') === 'authorization_code', held));
  };

  const token = async (request: IncomingMessage, response: ServerResponse) => {
    const form = new URLSearchParams(await bodyText(request));
    tokenCalls.push(form);
    if (script.tokenDelayMs > 0) await new Promise((done) => setTimeout(done, script.tokenDelayMs));
    const fault = script.tokenFault;
    if (fault?.reset === true) return request.socket.destroy();
    if (fault !== undefined) return send(response, fault.status, fault.body ?? {});
    return grant(form, response);
  };

  const listening = await listen(async (request, response) => {
    const url = new URL(request.url ?? '/', origin);
    const path = url.pathname.replace(`/${tid}`, '');
    if (path === '/v2.0/.well-known/openid-configuration') {
      counts.metadata += 1;
      if (script.metadataFault) return send(response, 500, {});
      return send(response, 200, {
        issuer: `${origin}/${tid}/v2.0`,
        authorization_endpoint: `${origin}/${tid}/oauth2/v2.0/authorize`,
        token_endpoint: `${origin}/${tid}/oauth2/v2.0/token`,
        jwks_uri: `${origin}/${tid}/discovery/v2.0/keys`,
        end_session_endpoint: `${origin}/${tid}/oauth2/v2.0/logout`,
      });
    }
    if (path === '/discovery/v2.0/keys') {
      counts.keys += 1;
      return script.keysFault ? send(response, 503, {}) : send(response, 200, { keys: [signer.jwk] });
    }
    if (path === '/oauth2/v2.0/authorize') return authorize(url.searchParams, response);
    if (path === '/oauth2/v2.0/token') return token(request, response);
    return send(response, 404, {});
  });
  origin = listening.url;
  return {
    ...listening,
    issuer: `${origin}/${tid}/v2.0`,
    script,
    tokenCalls,
    authorizeCalls,
    counts,
    sign,
    rotateKeys: async () => {
      signer = await makeSigner();
    },
  };
}
