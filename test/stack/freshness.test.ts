import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StackJson } from '../../local/stack/stack_json.js';
import { eventually } from '../support/eventually.js';
import { basic, clientOf, postToken, type SignedIn, signIn } from '../support/signed_in.js';
import { removeTemporaryDirs, type StackProcess, startStackProcess } from '../support/stack_process.js';

const GRAPH = 'https://graph.microsoft.test';
const LIFE_SECONDS = 16;

let process_: StackProcess;
let stack: StackJson;
let audra: SignedIn;
beforeAll(async () => {
  process_ = startStackProcess();
  stack = await process_.ready;
  audra = await signIn(stack, 'audra@contoso.test');
  await fetch(`${stack.idp}/_admin/lifetimes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ accessTokenSeconds: LIFE_SECONDS }),
  });
});

afterAll(async () => {
  await process_.stop();
  removeTemporaryDirs();
});

it('a token that is served in the second half of its life is renewed by the worker, though nobody waits', async () => {
  const alice = await signIn(stack, 'alice@contoso.test');
  const allowed = { client_id: 'nightly-report', resource: GRAPH, scope: 'User.Read Mail.Read' };
  const grant = (await alice.send('POST', '/grants', allowed)).body.grant_id;
  // Less than the grant holds, so that no timer keeps it fresh.
  const form = {
    grant_type: 'refresh_token',
    refresh_token: grant,
    resource: GRAPH,
    scope: 'User.Read',
    min_ttl: '1',
  };
  const ask = () => postToken(stack, form, { authorization: basic(clientOf(stack, 'nightly-report')) });
  const refreshed = async () => {
    const { body } = await audra.send('GET', '/audit/events?type=connection.refreshed&limit=100');
    const events: { requested_scope?: string; actor: string }[] = body.events;
    return events.filter(({ requested_scope: asked }) => asked === 'User.Read').map(({ actor }) => actor);
  };

  const first = (await ask()).body.access_token;
  await sleep((LIFE_SECONDS / 2 + 0.5) * 1000);
  const served = await ask();
  expect(served.body.access_token).toBe(first);
  const actors = await eventually('the worker to renew the token', async () => {
    const found = await refreshed();
    return found.length > 1 && found;
  });
  expect(actors).toEqual(['timer', 'token']);
  expect((await ask()).body.access_token).not.toBe(first);
});
