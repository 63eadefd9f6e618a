import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StackJson } from '../../local/stack/stack_json.js';
import { type Browser, createBrowser } from '../easyauth/support/browser.js';
import { signInAt } from '../easyauth/support/social_stack.js';
import { basic, clientOf, postToken } from '../support/signed_in.js';
import { removeTemporaryDirs, type StackProcess, startStackProcess } from '../support/stack_process.js';

let process_: StackProcess;
let stack: StackJson;
beforeAll(async () => {
  process_ = startStackProcess();
  stack = await process_.ready;
});
afterAll(async () => {
  // A stack that has ended by itself says why.
  if (process_.child.exitCode !== null) throw new Error(process_.output());
  await process_.stop();
  removeTemporaryDirs();
});

const LOGIN = {
  google: 'google?access_type=offline&prompt=consent',
  facebook: 'facebook',
  twitter: 'twitter',
  github: 'github',
} as const;

async function signIn(name: keyof typeof LOGIN): Promise<Browser> {
  const browser = createBrowser();
  const answer = await signInAt(browser, `${stack.gateway}/.auth/login/${LOGIN[name]}`);
  if (answer.status !== 302) throw new Error(`the sign-in ended with ${answer.status}`);
  return browser;
}

async function send(browser: Browser, method: 'GET' | 'POST' | 'DELETE', path: string, json?: unknown) {
  const headers = {
    origin: stack.gateway,
    ...(json === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const body = json === undefined ? {} : { body: JSON.stringify(json) };
  const answer = await browser.ask(`${stack.gateway}${path}`, { method, headers, ...body });
  return { status: answer.status, body: answer.text === '' ? {} : answer.json() };
}

describe('npm start signs in at each provider, and the broker keeps the user connected', () => {
  it.each([
    ['google', 'refresh_token'],
    ['facebook', 'access_token'],
    ['twitter', 'access_token'],
    ['github', 'access_token'],
  ] as const)('%s', async (name, credential) => {
    const browser = await signIn(name);
    const connected = await send(browser, 'POST', '/connections', {});
    expect(connected).toMatchObject({ status: 201, body: { provider: name, credential, state: 'active' } });
    const asked = { client_id: 'nightly-report', resource: 'api://orders', scope: 'orders.read' };
    const grant = await send(browser, 'POST', '/grants', asked);
    expect(grant.status).toBe(201);
    const client = clientOf(stack, 'nightly-report');
    const form = {
      grant_type: 'refresh_token',
      refresh_token: String(grant.body.grant_id),
      resource: 'api://orders',
    };
    const issued = await postToken(stack, form, { authorization: basic(client) });
    expect(issued).toMatchObject({ status: 200, body: { narrowing: 'minted', scope: 'orders.read' } });
    const ended = await send(browser, 'DELETE', `/connections/${name}`);
    expect(ended).toMatchObject({ status: 200, body: { grants_ended: 1, provider_revocation: 'revoked' } });
    expect((await postToken(stack, form, { authorization: basic(client) })).body.error).toBe('invalid_grant');
  });

  it('a resource of another provider cannot be granted', async () => {
    const asked = {
      client_id: 'nightly-report',
      resource: 'https://graph.microsoft.test',
      scope: 'User.Read',
    };
    const grant = await send(await signIn('github'), 'POST', '/grants', asked);
    expect(grant).toMatchObject({ status: 400, body: { code: 'invalid_parameter' } });
    expect(String(grant.body.detail)).toContain('aad');
  });
});
