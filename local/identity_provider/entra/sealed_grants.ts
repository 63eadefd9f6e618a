import { Ajv } from 'ajv';
import type { Core } from '../core.js';
import type { SealedKind } from '../sealed.js';
import type { Authn } from './claims.js';

/** What an authorization code stands for. Times are milliseconds. */
export type CodeGrant = Authn &
  Readonly<{
    id: string;
    client: string;
    oid: string;
    tid: string;
    issued: number;
    redirect: string;
    scope: string;
    nonce?: string;
    challenge?: string;
    method?: string;
    withAuthTime?: boolean;
  }>;

/** What a refresh token stands for: a user and a client, not a resource. `scope` is what the first sign-in asked for. */
export type RefreshGrant = Authn &
  Readonly<{ client: string; oid: string; tid: string; issued: number; scope: string }>;

/** What an access token remembers in its opaque `aio`. */
export type AuthnGrant = Authn & Readonly<{ issued: number }>;

/** A browser's sign-in at the provider. */
export type SessionGrant = Authn & Readonly<{ oid: string; tid: string; issued: number }>;

const text = { type: 'string' };
const time = { type: 'number' };
const authn = { authTime: time, mfa: { type: 'boolean' }, sid: text, issued: time };
const who = { ...authn, oid: text, tid: text };
const grant = { ...who, client: text, scope: text };
const code = {
  ...grant,
  id: text,
  redirect: text,
  nonce: text,
  challenge: text,
  method: text,
  withAuthTime: { type: 'boolean' },
};

function shape(properties: Readonly<Record<string, object>>, optional: readonly string[] = []): object {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties).filter((key) => !optional.includes(key)),
  };
}

const ajv = new Ajv();
const optional = ['nonce', 'challenge', 'method', 'withAuthTime'];
const isCode = ajv.compile<CodeGrant>(shape(code, optional));
const isRefresh = ajv.compile<RefreshGrant>(shape(grant));
const isAuthn = ajv.compile<AuthnGrant>(shape(authn));
const isSession = ajv.compile<SessionGrant>(shape(who));

function opener<T>(kind: SealedKind, valid: (value: unknown) => value is T) {
  return (core: Core, blob: string | undefined): T | undefined => {
    const value = blob === undefined ? undefined : core.sealer.open(kind, blob);
    return valid(value) ? value : undefined;
  };
}

/** Each opens its own kind of blob; undefined for anything else. */
export const openCode = opener('code', isCode);
export const openRefresh = opener('refresh', isRefresh);
export const openAuthn = opener('authn', isAuthn);
export const openSession = opener('session', isSession);
