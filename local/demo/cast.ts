import { setTimeout as sleep } from 'node:timers/promises';
import type { StackClient, StackJson } from '../stack/stack_json.js';
import { type Browser, createBrowser } from './browser.js';
import { type Answer, DemoFailed, type Narrator } from './narrator.js';

/** Those who act in the demo, each with only the means they would have outside it. */
export interface Cast {
  readonly narrator: Narrator;
  readonly stack: StackJson;
  /** Signs a demo user in with a browser of their own. */
  signIn(loginHint: string): Promise<User>;
  /** A downstream service asking for a token with its own secret. */
  askToken(client: StackClient, grantId: string, resource: string, scope?: string): Promise<Answer>;
  /** Calls an API with a bearer token. */
  callApi(url: string, token: string, method?: string): Promise<Answer>;
  /** Turns a knob of the identity provider. */
  turnKnob(path: string, body?: unknown): Promise<Answer>;
  /** Waits until `look` finds something. */
  waitFor<T>(what: string, seconds: number, look: () => Promise<T | undefined>): Promise<T>;
}

export interface User {
  readonly landing: Answer;
  send(method: string, path: string, json?: unknown): Promise<Answer>;
  /** A GET that is not told. */
  read(path: string): Promise<Answer>;
}

const POLL_MS = 500;

export function createCast(stack: StackJson, narrator: Narrator): Cast {
  const tell = (sent: string, answer: Answer): Answer => {
    narrator.exchange(sent, answer);
    return answer;
  };
  return {
    narrator,
    stack,
    async signIn(loginHint) {
      const browser = createBrowser();
      const path = `/.auth/login/aad?login_hint=${encodeURIComponent(loginHint)}&post_login_redirect_uri=/.auth/me`;
      const page = await browser.visit(`${stack.gateway}${path}`);
      const landing = { status: page.status, body: parse(page.text) };
      return { landing, send: sender(stack, browser, tell), read: reader(stack, browser) };
    },
    async askToken({ client_id: id, client_secret: secret }, grantId, resource, scope) {
      const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: grantId, resource });
      if (scope !== undefined) form.set('scope', scope);
      const asked = scope === undefined ? '' : `, scope=${scope}`;
      const sent = `POST /token as ${id} (Basic), grant_type=refresh_token, resource=${resource}${asked}`;
      const credentials = Buffer.from(`${id}:${secret}`).toString('base64');
      const headers = { authorization: `Basic ${credentials}` };
      return tell(sent, await call(`${stack.gateway}/token`, { method: 'POST', headers, body: form }));
    },
    async callApi(url, token, method = 'GET') {
      return tell(
        `${method} ${url}`,
        await call(url, { method, headers: { authorization: `Bearer ${token}` } }),
      );
    },
    turnKnob: (path, body = {}) =>
      call(`${stack.idp}/_admin/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    async waitFor(what, seconds, look) {
      const deadline = Date.now() + seconds * 1000;
      while (Date.now() < deadline) {
        const found = await look();
        if (found !== undefined) return found;
        await sleep(POLL_MS);
      }
      throw new DemoFailed(`${what} (waited ${seconds} s)`);
    },
  };
}

function sender(stack: StackJson, browser: Browser, tell: (sent: string, answer: Answer) => Answer) {
  return async (method: string, path: string, json?: unknown): Promise<Answer> => {
    const page = await browser.send(`${stack.gateway}${path}`, { method, json });
    const body = json === undefined ? '' : ` ${JSON.stringify(json)}`;
    return tell(`${method} ${path}${body}`, { status: page.status, body: parse(page.text) });
  };
}

function reader(stack: StackJson, browser: Browser) {
  return async (path: string): Promise<Answer> => {
    const page = await browser.send(`${stack.gateway}${path}`);
    return { status: page.status, body: parse(page.text) };
  };
}

async function call(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  return { status: response.status, body: parse(await response.text()) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
