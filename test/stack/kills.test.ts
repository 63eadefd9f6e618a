import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StackJson } from '../../local/stack/stack_json.js';
import { eventually } from '../support/eventually.js';
import { basic, clientOf, postToken, type SignedIn, signIn } from '../support/signed_in.js';
import { removeTemporaryDirs, type StackProcess, startStackProcess } from '../support/stack_process.js';

const GRAPH = 'https://graph.microsoft.test';
const USERS = ['alice@contoso.test', 'bob@contoso.test'];

let process_: StackProcess;
let stack: StackJson;
const people: { user: SignedIn; grantId: string }[] = [];

beforeAll(async () => {
  process_ = startStackProcess();
  stack = await process_.ready;
  for (const loginHint of USERS) {
    const user = await signIn(stack, loginHint);
    const asked = { client_id: 'nightly-report', resource: GRAPH, scope: 'Mail.Read' };
    people.push({ user, grantId: (await user.send('POST', '/grants', asked)).body.grant_id });
  }
});

afterAll(async () => {
  await process_.stop();
  removeTemporaryDirs();
});

function ask(grantId: string, minTtl = '0') {
  return postToken(
    stack,
    { grant_type: 'refresh_token', refresh_token: grantId, resource: GRAPH, min_ttl: minTtl },
    { authorization: basic(clientOf(stack, 'nightly-report')) },
  ).catch(() => undefined);
}

async function knob(path: string, body: unknown): Promise<void> {
  await fetch(`${stack.idp}/_admin/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function killHost(): Promise<void> {
  const before = process_.json().pids.functions;
  process.kill(before ?? 0, 'SIGKILL');
  await eventually('the host to come back', () => process_.json().pids.functions !== before);
}

describe('the Functions host is killed while it refreshes', () => {
  it('before the provider answers, after, and at random: afterwards every connection is alive and every grant works', async () => {
    await knob('lifetimes', { accessTokenSeconds: 4 });
    await knob('faults', { path: '/token', grant: 'refresh_token', count: 2, delayMs: 1500 });
    const slow = people.map(({ grantId }) => ask(grantId));
    await sleep(700);
    await killHost();
    await Promise.all(slow);
    for (const pause of [150, 900]) {
      void Promise.all(people.map(({ grantId }) => ask(grantId)));
      await sleep(pause);
      await killHost();
    }
    await knob('lifetimes', { accessTokenSeconds: 3600 });
    for (const { user, grantId } of people) {
      // A killed process leaves its claim behind, which ends by itself.
      const fresh = await eventually(
        'a fresh token',
        async () => {
          const answer = await ask(grantId);
          return answer?.status === 200 && answer.body.expires_in > 60 && answer;
        },
        50,
      );
      const mail = await fetch(`${stack.idp}/graph/v1.0/me/messages`, {
        headers: { authorization: `Bearer ${fresh.body.access_token}` },
      });
      expect(mail.status).toBe(200);
      const { body } = await user.send('GET', '/connections');
      expect(body.connections[0].state).toBe('active');
      expect(body.connections[0].next_refresh_at).toBeDefined();
    }
  }, 120_000);
});
