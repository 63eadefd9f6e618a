import { setTimeout as sleep } from 'node:timers/promises';
import type { AccessToken, TokenCredential } from '@azure/identity';
import { type Asked, readScopes } from './scopes.js';

/** How the service proves who it is: its secret, or its own app token (a managed identity's, say). */
export type ClientAuthentication =
  | { readonly clientId: string; readonly clientSecret: string }
  | { readonly getAppToken: () => Promise<string> };

export interface BrokerCredentialOptions {
  /** The broker's `/token`. */
  readonly tokenUrl: string;
  /** The grants this service holds for the user it acts for: one a resource. */
  readonly grantIds: Readonly<Record<string, string>>;
  readonly client: ClientAuthentication;
  readonly fetch?: typeof fetch;
  /** ms since the epoch */
  readonly now?: () => number;
}

/** The broker refused. `code` is the OAuth error; `invalid_grant` and `interaction_required` need the user. */
export class BrokerRefusal extends Error {
  readonly code: string;
  readonly status: number;
  /** What the user's sign-in has to meet, where the identity provider asks for more: send them to `/authorize` with it. */
  readonly claims: string | undefined;
  constructor(code: string, status: number, said: { description: string; claims?: string | undefined }) {
    super(`${code}: ${said.description}`);
    this.name = 'BrokerRefusal';
    this.code = code;
    this.status = status;
    this.claims = said.claims;
  }
}

const TRIES = 3;
const MOST_WAIT_SECONDS = 20;
/** A token is renewed when less than this is left, and never before half its life, seconds. */
const MARGIN_SECONDS = 120;

/**
 * A `TokenCredential` for Azure SDKs and everything else that takes one: delegated tokens for one user, from the broker. Tokens are kept in
 * memory while they live, callers at once share one request, and a busy broker (429, 503) is asked again after its `Retry-After`. A
 * resource's claims challenge (`claims`, as Azure SDKs hand it on) goes to the broker, and its token takes the place of the one turned down.
 */
export function createBrokerCredential(options: BrokerCredentialOptions): TokenCredential {
  const now = options.now ?? Date.now;
  const kept = new Map<string, { token: AccessToken; renewAt: number }>();
  const inFlight = new Map<string, Promise<AccessToken>>();

  const request = async (key: string, asked: Challenged): Promise<AccessToken> => {
    const { accessToken, expiresIn } = await askBroker(options, asked);
    const at = now();
    const token = { token: accessToken, expiresOnTimestamp: at + expiresIn * 1000 };
    const usable = Math.max(expiresIn - MARGIN_SECONDS, expiresIn / 2);
    kept.set(key, { token, renewAt: at + usable * 1000 });
    return token;
  };
  return {
    async getToken(scopes, { claims } = {}) {
      const asked = readScopes(scopes);
      const key = JSON.stringify([asked.resource, asked.scope]);
      if (claims !== undefined) kept.delete(key);
      const known = kept.get(key);
      if (known && known.renewAt > now()) return known.token;
      const flight = JSON.stringify([key, claims]);
      const running =
        inFlight.get(flight) ?? request(key, { ...asked, claims }).finally(() => inFlight.delete(flight));
      inFlight.set(flight, running);
      return running;
    },
  };
}

type Challenged = Asked & { readonly claims: string | undefined };

interface Issued {
  readonly accessToken: string;
  readonly expiresIn: number;
}

async function askBroker(options: BrokerCredentialOptions, asked: Challenged): Promise<Issued> {
  for (let attempt = 1; ; attempt++) {
    const response = await send(options, asked);
    const body: unknown = await response.json().catch(() => ({}));
    if (response.ok) return readIssued(body);
    const wait = retryAfter(response);
    if (wait === undefined || attempt >= TRIES) throw refusalOf(response.status, body);
    await sleep(wait * 1000);
  }
}

async function send(
  options: BrokerCredentialOptions,
  { resource, scope, claims }: Challenged,
): Promise<Response> {
  const grantId = options.grantIds[resource];
  if (grantId === undefined) throw new TypeError('no grant is given for this resource');
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: grantId, resource });
  if (scope !== undefined) form.set('scope', scope);
  if (claims !== undefined) form.set('claims', claims);
  const authorization = await authorizationOf(options.client);
  const run = options.fetch ?? fetch;
  return run(options.tokenUrl, { method: 'POST', headers: { authorization }, body: form, redirect: 'error' });
}

/** RFC 6749 §2.3.1: both halves are form-encoded before they are joined. */
async function authorizationOf(client: ClientAuthentication): Promise<string> {
  if ('getAppToken' in client) return `Bearer ${await client.getAppToken()}`;
  const pair = [client.clientId, client.clientSecret].map(encodeURIComponent).join(':');
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}

/** Seconds to wait, or undefined when asking again is no use. */
function retryAfter(response: Response): number | undefined {
  if (response.status !== 429 && response.status !== 503) return undefined;
  const seconds = Number(response.headers.get('retry-after') ?? '1');
  return seconds >= 0 && seconds <= MOST_WAIT_SECONDS ? seconds : undefined;
}

function readIssued(body: unknown): Issued {
  const { access_token: accessToken, expires_in: expiresIn } = members(body);
  if (typeof accessToken !== 'string' || typeof expiresIn !== 'number') {
    throw new Error('the broker answered without a token');
  }
  return { accessToken, expiresIn };
}

function refusalOf(status: number, body: unknown): BrokerRefusal {
  const { error, error_description: description, claims } = members(body);
  const code = typeof error === 'string' ? error : 'server_error';
  return new BrokerRefusal(code, status, {
    description: typeof description === 'string' ? description : `status ${status}`,
    claims: typeof claims === 'string' ? claims : undefined,
  });
}

function members(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
