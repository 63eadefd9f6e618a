import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt, type JWTPayload } from 'jose';
import { formatLine } from '../../../local/identity_provider/log.js';
import {
  type IdentityProviderOptions,
  startIdentityProvider,
} from '../../../local/identity_provider/server.js';
import { BROKER, directory, REDIRECT, SECRET, TID } from './directory.js';

export type Answer = Readonly<{
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
  text: string;
}>;
export type Form = Readonly<Record<string, string>>;

/** Reads an answer; a body that is not a JSON object reads as an empty one. */
export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  const parsed: unknown = isJson && text !== '' ? JSON.parse(text) : {};
  const body = typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  return { status: response.status, headers: response.headers, body, text };
}

/** A string field of an answer's body; fails the test when it is none. */
export function field(answer: Answer, name: string): string {
  const value = answer.body[name];
  if (typeof value !== 'string') throw new Error(`no ${name} in ${answer.status} ${answer.text}`);
  return value;
}

/** The claims of a JWT in an answer. */
export function claims(answer: Answer, name = 'access_token'): JWTPayload {
  return decodeJwt(field(answer, name));
}

export function codes(answer: Answer): unknown {
  return answer.body.error_codes;
}

export function pkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** A provider on a free port with its own state folder, a clock that tests step, and its log lines. */
export async function startTestProvider(options: Partial<IdentityProviderOptions> = {}) {
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'idp-test-')));
  const clock = { now: Date.parse('2026-11-23T01:02:03.456Z') };
  const lines: string[] = [];
  const provider = await startIdentityProvider({
    directory,
    stateDir,
    port: 0,
    now: () => clock.now,
    log: (level, message, fields) => lines.push(formatLine(clock.now, level, message, fields)),
    ...options,
  });
  const { url } = provider;
  const form = (values: Form): URLSearchParams => new URLSearchParams(values);
  const tokenUrl = (tenant = TID): string => `${url}/${tenant}/oauth2/v2.0/token`;

  const post = async (path: string, values: Form, headers: Form = {}): Promise<Answer> =>
    readAnswer(
      await fetch(`${url}${path}`, { method: 'POST', body: form(values), headers, redirect: 'manual' }),
    );
  const get = async (path: string, headers: Form = {}): Promise<Answer> =>
    readAnswer(await fetch(`${url}${path}`, { headers, redirect: 'manual' }));
  const token = (values: Form, tenant = TID): Promise<Answer> =>
    post(`/${tenant}/oauth2/v2.0/token`, { client_id: BROKER, client_secret: SECRET, ...values });
  const authorizePath = (values: Form, tenant = TID): string =>
    `/${tenant}/oauth2/v2.0/authorize?${form({ client_id: BROKER, response_type: 'code', redirect_uri: REDIRECT, scope: 'openid profile offline_access', state: 's', ...values })}`;
  const authorize = (values: Form, headers: Form = {}, tenant = TID): Promise<Answer> =>
    get(authorizePath(values, tenant), headers);
  const admin = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const json =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    return readAnswer(await fetch(`${url}/_admin${path}`, { method, ...json }));
  };
  const codeFor = async (values: Form = {}): Promise<string> =>
    location(await authorize({ login_hint: 'alice@contoso.test', ...values })).get('code') ?? '';
  const redeem = (code: string, values: Form = {}): Promise<Answer> =>
    token({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT, ...values });
  const signIn = async (
    scope = 'openid profile offline_access User.Read',
    values: Form = {},
  ): Promise<Answer> => redeem(await codeFor({ scope, ...values }));
  const refresh = (refreshToken: string, scope?: string, values: Form = {}): Promise<Answer> =>
    token({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      ...(scope === undefined ? {} : { scope }),
      ...values,
    });

  const stop = async (): Promise<void> => {
    await provider.close();
    if (options.stateDir === undefined) await rm(stateDir, { recursive: true, force: true });
  };
  return {
    ...provider,
    stateDir,
    clock,
    lines,
    tokenUrl,
    post,
    get,
    token,
    authorizePath,
    authorize,
    admin,
    codeFor,
    redeem,
    signIn,
    refresh,
    stop,
  };
}

export type TestProvider = Awaited<ReturnType<typeof startTestProvider>>;

/** The parameters in a redirect's query or fragment. */
export function location(answer: Answer): URLSearchParams {
  const target = answer.headers.get('location');
  if (target === null) throw new Error(`no redirect: ${answer.status} ${answer.text.slice(0, 300)}`);
  const url = new URL(target);
  return url.hash === '' ? url.searchParams : new URLSearchParams(url.hash.slice(1));
}

/** The fields of a page's form, by name, as a browser would post them. */
export function formFields(html: string): Record<string, string> {
  const inputs = html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
  const plain = (text: string): string =>
    text
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&');
  return Object.fromEntries([...inputs].map(([, name = '', value = '']) => [plain(name), plain(value)]));
}

/** The cookie an answer sets, as a Cookie header. */
export function cookieOf(answer: Answer): string {
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}
