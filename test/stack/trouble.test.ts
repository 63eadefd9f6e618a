import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createBrowser } from '../../local/demo/browser.js';
import type { StackJson } from '../../local/stack/stack_json.js';
import { eventually } from '../support/eventually.js';
import { basic, clientOf, postToken, type SignedIn, signIn } from '../support/signed_in.js';
import { removeTemporaryDirs, type StackProcess, startStackProcess } from '../support/stack_process.js';

const GRAPH = 'https://graph.microsoft.test';
const ORDERS = 'api://orders';

let process_: StackProcess;
let stack: StackJson;
let alice: SignedIn;
const grants: Record<string, string> = {};

beforeAll(async () => {
  process_ = startStackProcess();
  stack = await process_.ready;
  alice = await signIn(stack, 'alice@contoso.test');
  for (const [resource, scope] of [
    [ORDERS, 'orders.read'],
    [GRAPH, 'Mail.Read User.Read'],
  ] as const) {
    const grant = await alice.send('POST', '/grants', { client_id: 'nightly-report', resource, scope });
    grants[resource] = grant.body.grant_id;
  }
});

afterEach(async () => {
  for (const part of ['azurite', 'idp'] as const) process.kill(stack.pids[part] ?? 0, 'SIGCONT');
  await knob('faults', undefined, 'DELETE');
});

afterAll(async () => {
  await process_.stop();
  removeTemporaryDirs();
});

function ask(resource: string, extra: Record<string, string> = {}) {
  return postToken(
    stack,
    { grant_type: 'refresh_token', refresh_token: grants[resource] ?? '', resource, ...extra },
    { authorization: basic(clientOf(stack, 'nightly-report')) },
  );
}

async function knob(path: string, body?: unknown, method = 'POST'): Promise<void> {
  const init = { method, headers: { 'content-type': 'application/json' } };
  await fetch(`${stack.idp}/_admin/${path}`, {
    ...init,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

describe('while Table Storage does not answer', () => {
  it('a token is refused with 503 and Retry-After, a user gets a problem, readiness is red, and all comes back', async () => {
    expect((await ask(ORDERS)).status).toBe(200);
    process.kill(stack.pids.azurite ?? 0, 'SIGSTOP');
    const [token, user] = await Promise.all([ask(ORDERS), alice.send('GET', '/connections')]);
    expect([token.status, token.body.error]).toEqual([503, 'temporarily_unavailable']);
    expect(Number(token.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(token.body.access_token).toBeUndefined();
    expect([user.status, user.body.code]).toEqual([503, 'temporarily_unavailable']);
    expect((await fetch(`${stack.gateway}/health/ready`)).status).toBe(503);
    expect((await fetch(`${stack.gateway}/health/live`)).status).toBe(200);
    process.kill(stack.pids.azurite ?? 0, 'SIGCONT');
    await eventually('tokens again', async () => (await ask(ORDERS)).status === 200);
  });
});

describe('while the provider is down', () => {
  it('a cached token is served while it lives; a fresh one is refused with 503; nobody loses a connection', async () => {
    expect((await ask(GRAPH)).status).toBe(200);
    process.kill(stack.pids.idp ?? 0, 'SIGSTOP');
    const cached = await ask(GRAPH);
    expect(cached.status).toBe(200);
    const fresh = await ask(GRAPH, { scope: 'User.Read' });
    expect([fresh.status, fresh.body.error]).toEqual([503, 'temporarily_unavailable']);
    process.kill(stack.pids.idp ?? 0, 'SIGCONT');
    const { body } = await alice.send('GET', '/connections');
    expect(body.connections[0].state).toBe('active');
  });

  it('an expired client secret of ours (invalid_client) touches no user and heals by itself', async () => {
    await knob('faults', {
      path: '/token',
      grant: 'refresh_token',
      count: 1,
      status: 401,
      error: 'invalid_client',
    });
    const bob = await signIn(stack, 'bob@contoso.test');
    const asked = { client_id: 'nightly-report', resource: ORDERS, scope: 'orders.read' };
    const refused = await bob.send('POST', '/grants', asked);
    expect(refused.status).toBe(503);
    const accepted = await bob.send('POST', '/grants', asked);
    expect(accepted.status).toBe(201);
  });
});

describe('a sign-in that brought no refresh token', () => {
  it('is answered 422 refresh_token_missing with what to configure', async () => {
    const browser = createBrowser();
    await browser.visit(
      `${stack.gateway}/.auth/login/aad?login_hint=audra@contoso.test&scope=openid%20profile%20email&post_login_redirect_uri=/.auth/me`,
    );
    const answer = await browser.send(`${stack.gateway}/connections`, { method: 'POST', json: {} });
    expect(answer.status).toBe(422);
    const problem = JSON.parse(answer.text);
    expect(problem.code).toBe('refresh_token_missing');
    expect(problem.detail).toContain('offline_access');
  });
});
