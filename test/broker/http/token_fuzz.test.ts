import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { hostileText } from '../support/arbitraries.js';
import { NIGHTLY, withBroker } from '../support/broker.js';
import { grantTo, refreshForm, TOKEN_EXCHANGE, tokenCall } from '../support/calls.js';
import { expectError } from '../support/oauth_errors.js';
import { ORDERS } from '../support/samples.js';

const test = withBroker();
let grantId = '';
beforeAll(async () => {
  grantId = await grantTo(test);
});

describe('no request breaks the endpoint', () => {
  const name = fc.constantFrom(
    ...[
      'grant_type',
      'refresh_token',
      'subject_token',
      'subject_token_type',
      'resource',
      'audience',
      'scope',
    ],
    ...['min_ttl', 'client_id', 'client_secret', 'client_assertion', 'client_assertion_type', 'actor_token'],
    ...['requested_token_type', 'actor_token_type', '__proto__', 'constructor', ''],
  );
  const value = fc.oneof(
    hostileText,
    fc.constantFrom('refresh_token', TOKEN_EXCHANGE, ORDERS, 'orders.read', NIGHTLY.id, NIGHTLY.secret),
    fc.constant('the grant'),
  );

  it('whatever the form holds: an OAuth error or a token, and never a 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, value), { maxLength: 8 }),
        fc.boolean(),
        async (pairs, authenticated) => {
          const form = new URLSearchParams(
            pairs.map(([key, text]): [string, string] => [key, text === 'the grant' ? grantId : text]),
          );
          const answer = await tokenCall(test, form.toString(), authenticated ? undefined : {});
          expect(answer.status).toBeLessThan(500);
          if (answer.status !== 200) expect(answer.body.error).toMatch(/^[a-z_]+$/);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('whatever bytes the body is made of', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(hostileText, fc.string({ unit: 'binary', maxLength: 200 })), async (body) => {
        expect((await tokenCall(test, body)).status).toBe(400);
      }),
      { numRuns: 60 },
    );
  });

  it('whatever the Authorization header says', async () => {
    const printable = fc.string({ unit: fc.constantFrom(...'abcZ019+/=:., -_~"\\%'), maxLength: 60 });
    const scheme = fc.constantFrom('Basic ', 'Bearer ', 'basic  ', 'DPoP ', '', 'Negotiate ');
    await fc.assert(
      fc.asyncProperty(scheme, printable, async (prefix, text) => {
        const authorization = `${prefix}${text}`.trim();
        const answer = await tokenCall(
          test,
          refreshForm(grantId),
          authorization === '' ? {} : { authorization },
        );
        expectError(answer, 'invalid_client', 401);
      }),
      { numRuns: 80 },
    );
  });
});
