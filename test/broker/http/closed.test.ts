import { InvocationContext } from '@azure/functions';
import { beforeAll, describe, expect, it } from 'vitest';
import type { HttpRoute } from '../../../shared/compose.js';
import { ConfigRefused } from '../../../shared/config.js';
import { createEntry } from '../../../shared/http/host.js';
import { callRoute, withBroker } from '../support/broker.js';
import { FORM, type Session, signIn } from '../support/calls.js';

const test = withBroker();
const OAUTH: readonly HttpRoute[] = ['token', 'metadata', 'jwks'];
const USER: readonly HttpRoute[] = [
  'connect',
  'listConnections',
  'createGrant',
  'listGrants',
  'auditEvents',
  'refreshFailures',
];
const METHOD: Readonly<Partial<Record<HttpRoute, string>>> = {
  token: 'POST',
  connect: 'POST',
  createGrant: 'POST',
};
let alice: Session;
beforeAll(async () => {
  alice = await signIn(test, 'alice', { roles: ['Audit.Read'] });
});

describe('while Easy Auth is not known to be on, everything but health is closed (E1)', () => {
  it.each(['', 'false', 'False', '0', 'no', 'enabled'])('WEBSITE_AUTH_ENABLED=%j', async (value) => {
    const closed = test.compose({ WEBSITE_AUTH_ENABLED: value });
    for (const route of ['authorize' as const, ...OAUTH, ...USER]) {
      const asked = { method: METHOD[route] ?? 'GET', headers: { ...alice.headers, ...FORM } };
      const answer = await callRoute(closed, route, asked);
      expect(answer.status).toBe(503);
      expect(answer.text).toContain('WEBSITE_AUTH_ENABLED');
      if (route === 'authorize') expect(answer.headers['content-type']).toContain('text/html');
      else if (OAUTH.includes(route)) expect(answer.body.error).toBe('temporarily_unavailable');
      else expect(answer.body.code).toBe('easy_auth_off');
    }
    expect((await callRoute(closed, 'ready')).status).toBe(200);
  });

  it.each(['true', 'True', 'TRUE', '1'])('WEBSITE_AUTH_ENABLED=%j opens it', async (value) => {
    const open = test.compose({ WEBSITE_AUTH_ENABLED: value });
    expect((await callRoute(open, 'listConnections', { headers: alice.headers })).status).toBe(200);
  });
});

describe('refused settings', () => {
  const lines: string[] = [];
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: (message: string, fields = {}) => void lines.push(`${message} ${JSON.stringify(fields)}`),
  };

  it('close every endpoint with 503 in its own form of error, and each problem is in the log once', async () => {
    const entry = createEntry(() => test.compose({ BROKER_ISSUER: '', NIGHTLY_SECRET: '' }), log);
    entry.start();
    const forms = [
      ['oauth', { error: 'temporarily_unavailable' }],
      ['problem', { code: 'not_configured' }],
      ['page', undefined],
    ] as const;
    for (const [errors, expected] of forms) {
      const handler = entry.http((broker) => broker.http.token, errors);
      const answer = await callRoute(
        { ...test.broker, http: { ...test.broker.http, token: handler } },
        'token',
      );
      expect(answer).toMatchObject({ status: 503, body: expected });
      expect(answer.headers['cache-control']).toBe('no-store');
    }
    expect(lines.filter((line) => line.includes('BROKER_ISSUER is missing'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('NIGHTLY_SECRET is missing'))).toHaveLength(1);
  });

  it('leave queue messages where they are, and the timer quiet', async () => {
    const entry = createEntry(() => test.compose({ BROKER_ISSUER: '' }), log);
    let ran = false;
    const run = async () => {
      ran = true;
    };
    await expect(entry.queue(run)({}, new InvocationContext())).rejects.toThrow();
    const timer = {
      isPastDue: false,
      schedule: { adjustForDST: false },
      scheduleStatus: { last: '', lastUpdated: '', next: '' },
    };
    await entry.timer(run)(timer, new InvocationContext());
    expect(ran).toBe(false);
  });

  it('of settings and policy are listed together', () => {
    const compose = () =>
      test.compose({ BROKER_ISSUER: '', BROKER_VAULT_KEY_FILE: '', MAIL_SECRET: 'short' });
    let refused: unknown;
    try {
      compose();
    } catch (error) {
      refused = error;
    }
    if (!(refused instanceof ConfigRefused)) throw new Error('it was not refused');
    const [one, two, three] = refused.problems;
    expect([one, two, three].map((problem) => problem?.match(/[A-Z_]{6,}/)?.[0])).toEqual([
      'BROKER_ISSUER',
      'BROKER_VAULT_KEY_FILE',
      'MAIL_SECRET',
    ]);
  });

  it.each(['/no/such/policy.json', '/'])(
    'a policy file that cannot be read (%s) is named by its setting',
    (path) => {
      expect(() => test.compose({ BROKER_POLICY_FILE: path })).toThrow(/BROKER_POLICY_FILE/);
    },
  );
});
