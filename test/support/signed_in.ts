import { type Browser, createBrowser } from '../../local/demo/browser.js';
import type { StackClient, StackJson } from '../../local/stack/stack_json.js';

export interface JsonAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers whose form is what is being tested
  readonly body: any;
}

export interface SignedIn {
  readonly browser: Browser;
  send(method: string, path: string, json?: unknown): Promise<JsonAnswer>;
}

/** A browser with a session at the stack's gateway. */
export async function signIn(stack: StackJson, loginHint: string): Promise<SignedIn> {
  const browser = createBrowser();
  const page = await browser.visit(
    `${stack.gateway}/.auth/login/aad?login_hint=${loginHint}&post_login_redirect_uri=/.auth/me`,
  );
  if (page.status !== 200) throw new Error(`the sign-in ended with ${page.status}`);
  return {
    browser,
    async send(method, path, json) {
      const answer = await browser.send(`${stack.gateway}${path}`, { method, json });
      return { status: answer.status, body: answer.text === '' ? undefined : JSON.parse(answer.text) };
    },
  };
}

export function clientOf(stack: StackJson, clientId: string): StackClient {
  const client = stack.clients.find((candidate) => candidate.client_id === clientId);
  if (!client) throw new Error(`stack.json does not name ${clientId}`);
  return client;
}

export function basic(client: StackClient): string {
  return `Basic ${Buffer.from(`${client.client_id}:${client.client_secret}`).toString('base64')}`;
}

export async function postToken(
  stack: StackJson,
  parameters: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<JsonAnswer & { headers: Headers }> {
  const response = await fetch(`${stack.gateway}/token`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(parameters),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

/** The client's own app token for the broker, from its `token_url`. */
export async function appToken(client: StackClient): Promise<string> {
  const response = await fetch(client.token_url, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: client.app_id,
      client_secret: client.client_secret,
      scope: client.scope,
    }),
  });
  const body: { access_token?: string } = (await response.json()) as { access_token?: string };
  if (body.access_token === undefined) throw new Error(`no app token: ${response.status}`);
  return body.access_token;
}
