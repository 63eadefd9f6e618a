import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { type Browser, formOf, type Page } from '../../local/demo/browser.js';
import type { StackClient, StackJson } from '../../local/stack/stack_json.js';
import { basic, clientOf, type JsonAnswer, signIn } from '../support/signed_in.js';
import { CALLBACK, ORDERS_API_SECRET } from './stack.js';

export const ORDERS = 'api://orders';
export const GRAPH = 'https://graph.microsoft.test';
export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';

const stateDir = inject('stateDir');
export const stack = JSON.parse(readFileSync(join(stateDir, 'stack.json'), 'utf8')) as StackJson;

export const report = clientOf(stack, 'nightly-report');
export const agent = clientOf(stack, 'mail-agent');
export const ordersApi: StackClient = { ...agent, client_id: 'orders-api', client_secret: ORDERS_API_SECRET };

/** Presses a button of a page, and goes where that leads; but not to the client, since nobody listens there. */
export function press(browser: Browser, page: Page, button: Readonly<Record<string, string>>): Promise<Page> {
  const form = formOf(page.text);
  if (!form) throw new Error(`no form: ${page.status} ${page.url}`);
  for (const [name, value] of Object.entries(button)) form.fields.set(name, value);
  return browser.visit(new URL(form.action, page.url).href, { form: form.fields, until: CALLBACK });
}

/** May use refresh_token only, and twice a minute. */
export const smallJob: StackClient = { ...ordersApi, client_id: 'small-job' };

export type Parameters = Readonly<Record<string, string>>;
export type Answer = JsonAnswer & { readonly headers: Headers };

/** A form post, authenticated as a client unless `as` is null. */
export async function post(
  path: string,
  parameters: Parameters | string,
  as: StackClient | null = report,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${stack.gateway}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(as ? { authorization: basic(as) } : {}),
      ...headers,
    },
    body: typeof parameters === 'string' ? parameters : new URLSearchParams(parameters).toString(),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

export function token(
  parameters: Parameters | string,
  as?: StackClient | null,
  headers?: Record<string, string>,
): Promise<Answer> {
  return post('/token', parameters, as, headers);
}

export async function allow(
  loginHint: string,
  clientId: string,
  scope = 'orders.read orders.write',
  resource = ORDERS,
): Promise<string> {
  const user = await signIn(stack, loginHint);
  const { status, body } = await user.send('POST', '/grants', { client_id: clientId, resource, scope });
  if (status !== 201) throw new Error(`no grant: ${status} ${JSON.stringify(body)}`);
  return body.grant_id;
}

export function refresh(grantId: string, more: Parameters = {}): Parameters {
  return { grant_type: 'refresh_token', refresh_token: grantId, resource: ORDERS, ...more };
}

export function exchange(subject: string, type: string, more: Parameters = {}): Parameters {
  return {
    grant_type: EXCHANGE,
    subject_token: subject,
    subject_token_type: `${TOKEN_TYPE}${type}`,
    resource: ORDERS,
    ...more,
  };
}

/** Tokens of the user's own, for the broker, as an app that the user has signed in to would hold them. */
export async function userTokens(loginHint: string): Promise<{ access_token: string; id_token: string }> {
  const tenant = stack.users[0]?.tid ?? '';
  const endpoint = `${stack.idp}/${tenant}/oauth2/v2.0`;
  const app = '22222222-2222-4222-8222-222222222222';
  const secrets = JSON.parse(readFileSync(join(stateDir, 'secrets.json'), 'utf8'));
  const redirect = `${stack.gateway}/.auth/login/aad/callback`;
  const scope = 'openid profile api://token-broker/user_impersonation';
  const query = new URLSearchParams({
    client_id: app,
    response_type: 'code',
    response_mode: 'query',
    redirect_uri: redirect,
    scope,
    login_hint: loginHint,
    state: 's',
    nonce: 'n',
  });
  const start = await fetch(`${endpoint}/authorize?${query}`, { redirect: 'manual' });
  const code = new URL(start.headers.get('location') ?? '').searchParams.get('code') ?? '';
  const redeemed = await fetch(`${endpoint}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: app,
      client_secret: secrets.gatewayClient,
      code,
      redirect_uri: redirect,
      scope,
    }),
  });
  return (await redeemed.json()) as { access_token: string; id_token: string };
}

export function claimsOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'));
}

export function headerOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString('utf8'));
}
