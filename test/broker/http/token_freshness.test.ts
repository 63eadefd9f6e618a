import { randomUUID } from 'node:crypto';
import { HttpRequest, InvocationContext } from '@azure/functions';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Broker } from '../../../shared/compose.js';
import { RENEWALS, workMessage } from '../../../shared/http/host.js';
import { NIGHTLY, PUBLIC, withBroker } from '../support/broker.js';
import {
  basic,
  FORM,
  type Form,
  formText,
  grantTo,
  refreshForm,
  type Session,
  signIn,
} from '../support/calls.js';
import { expectError } from '../support/oauth_errors.js';
import { GRAPH, someone } from '../support/samples.js';

const test = withBroker();
const MINUTE = 60_000;

let alice: Session;
let grantId = '';
beforeEach(async () => {
  alice = await signIn(test, someone('alice').id);
  grantId = await grantTo(test, { resource: GRAPH, scope: 'Mail.Read User.Read' }, alice);
});

/** One request, and what was given to the queue with it. The scope is not the grant's: no timer keeps its token fresh. */
async function ask(more: Form = {}, broker: Broker = test.broker) {
  const request = new HttpRequest({
    method: 'POST',
    url: `${PUBLIC}/token`,
    headers: { ...FORM, ...basic(NIGHTLY.id, NIGHTLY.secret) },
    body: { string: formText(refreshForm(grantId, { resource: GRAPH, scope: 'Mail.Read', ...more })) },
  });
  const context = new InvocationContext({ invocationId: randomUUID() });
  const answer = (await broker.http.token(request, context)) as {
    status: number;
    headers: Record<string, string>;
    jsonBody: Record<string, string>;
  };
  const { access_token: token, expires_in: expiresIn } = answer.jsonBody;
  return { answer, token, expiresIn, message: context.extraOutputs.get(RENEWALS) };
}

const calls = () => test.entra.forms.length;

describe('a token that nears its end', () => {
  it('is served, and its renewal handed to the queue once, whoever asks how often on whichever instance', async () => {
    const first = await ask();
    expect(first.message).toBeUndefined();
    test.time.now += 49 * MINUTE;
    expect((await ask()).message).toBeUndefined();
    test.time.now += 2 * MINUTE;
    const asked = calls();
    const other = test.compose({});
    const crowd = await Promise.all(
      Array.from({ length: 12 }, (_, n) => ask({}, n % 2 ? other : test.broker)),
    );
    expect(new Set(crowd.map(({ token }) => token))).toEqual(new Set([first.token]));
    expect(crowd.filter(({ message }) => message !== undefined)).toHaveLength(1);
    expect(calls()).toBe(asked);
  });

  it('is renewed by the worker from that message, and the next caller has the new one without waiting', async () => {
    const { token } = await ask();
    test.time.now += 55 * MINUTE;
    const { message } = await ask();
    // As the queue carries it.
    await workMessage(test.broker.workDue, JSON.parse(JSON.stringify(message)));
    const asked = calls();
    test.time.now += 5000;
    const after = await ask();
    expect(after.token).not.toBe(token);
    expect(after.expiresIn).toBeGreaterThan(3500);
    expect(calls()).toBe(asked);
  });

  it('a message that comes twice, or late, renews nothing twice', async () => {
    await ask();
    test.time.now += 55 * MINUTE;
    const { message } = await ask();
    await workMessage(test.broker.workDue, message);
    const asked = calls();
    await Promise.all([workMessage(test.broker.workDue, message), workMessage(test.broker.workDue, message)]);
    expect(calls()).toBe(asked);
  });

  it('is handed over again in the next window', async () => {
    await ask();
    for (let round = 0; round < 2; round++) {
      test.time.now += 55 * MINUTE;
      const { message } = await ask();
      expect(message).toBeDefined();
      await workMessage(test.broker.workDue, message);
      test.time.now += 5000;
    }
  });

  it('of a claims challenge is not: only who shows the challenge has a use for it', async () => {
    const claims = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}';
    await ask({ claims });
    test.time.now += 55 * MINUTE;
    expect((await ask({ claims })).message).toBeUndefined();
  });

  it('a message names the subject and the target, and holds no token', async () => {
    const { token } = await ask();
    test.time.now += 55 * MINUTE;
    const { message } = await ask();
    expect(message).toEqual({
      version: 1,
      items: [
        {
          provider: 'aad',
          tenant: '11111111-1111-4111-8111-111111111111',
          id: alice.oid,
          dueAt: test.time.now,
          target: { resource: GRAPH, scope: ['Mail.Read'] },
        },
      ],
    });
    expect(JSON.stringify(message)).not.toContain(token);
  });
});

describe('min_ttl', () => {
  it('is honoured: what lives shorter is refreshed, what lives long enough is not', async () => {
    const { token } = await ask();
    test.time.now += 30 * MINUTE;
    expect((await ask({ min_ttl: '1700' })).token).toBe(token);
    const longer = await ask({ min_ttl: '1900' });
    expect(longer.token).not.toBe(token);
    expect(longer.expiresIn).toBeGreaterThanOrEqual(1900);
  });

  it('or answered exactly: no token can live so long here', async () => {
    const { answer } = await ask({ min_ttl: '3601' });
    expect([answer.status, answer.jsonBody.error]).toEqual([400, 'invalid_request']);
    expect(answer.jsonBody.error_description).toContain('min_ttl');
  });

  it.each(['-1', '1.5', '1e3', '86401', 'x', ' 1'])('%j is invalid_request', async (min_ttl) => {
    const { answer } = await ask({ min_ttl });
    const { headers, status, jsonBody: body } = answer;
    const lower = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    expectError({ status, body, headers: lower, text: '' }, 'invalid_request');
  });
});
