import { TableClient } from '@azure/data-tables';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../shared/adapters/system.js';
import { createCodeStore } from '../../../shared/adapters/tables/codes.js';
import { createTables } from '../../../shared/adapters/tables/service.js';
import type { HttpRoute } from '../../../shared/compose.js';
import { newVerifier, obtainCode, redeem } from '../support/authorizing.js';
import {
  type Asked,
  CALLBACK,
  callRoute,
  NIGHTLY,
  PUBLIC,
  SECOND,
  type TestBroker,
  withBroker,
} from '../support/broker.js';
import { basic, FORM, formText, refreshForm, signIn, tokenCall } from '../support/calls.js';
import { type FaultyTable, withFaults } from '../support/faulty_table.js';
import { expectError, recordOf } from '../support/oauth_errors.js';
import { GRAPH, ORDERS } from '../support/samples.js';

const test = withBroker();

function codeRows(on: TestBroker) {
  return TableClient.fromConnectionString(on.tables.connectionString, 'codes', {
    allowInsecureConnection: true,
  });
}

describe('a code that fits (RFC 6749 §4.1.3–4, RFC 7636 §4.6)', () => {
  it('gives an access token, and the grant as refresh token for unattended work', async () => {
    const answer = await redeem(test, await obtainCode(test));
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
    expect(answer.body).toMatchObject({
      token_type: 'Bearer',
      expires_in: 600,
      scope: 'orders.read',
      narrowing: 'minted',
      refresh_token: expect.any(String),
    });
    const later = await tokenCall(test, refreshForm(answer.body.refresh_token));
    expect([later.status, later.body.scope]).toEqual([200, 'orders.read']);
  });

  it('names its resource: naming the same is allowed, another is invalid_target and loses nothing (RFC 8707 §2.2)', async () => {
    const code = await obtainCode(test);
    expectError(await redeem(test, code, { resource: GRAPH }), 'invalid_target');
    expect((await redeem(test, code, { resource: ORDERS })).status).toBe(200);
  });

  it('may be redeemed for less, never for more', async () => {
    const both = await obtainCode(test, { scope: 'orders.read orders.write' });
    expectError(await redeem(test, both, { scope: 'orders.read orders.delete' }), 'invalid_scope');
    expect((await redeem(test, both, { scope: 'orders.write' })).body.scope).toBe('orders.write');
  });

  it("stands for a provider's token too", async () => {
    const answer = await redeem(test, await obtainCode(test, { resource: GRAPH, scope: 'Mail.Read' }));
    expect(answer.body).toMatchObject({ narrowing: 'provider', scope: 'Mail.Read' });
  });

  it('is on the audit: who allowed what, and the token it became', async () => {
    const answer = await redeem(test, await obtainCode(test));
    const id = answer.headers['x-correlation-id'];
    const rows = (await test.audited('token.issued')).filter(({ correlationId }) => correlationId === id);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ grantType: 'authorization_code', grantId: answer.body.refresh_token });
  });

  it('is stored as its hash alone', async () => {
    const { code } = await obtainCode(test);
    const secret = code.split('.')[1] ?? '';
    let seen = 0;
    for await (const row of codeRows(test).listEntities()) {
      seen++;
      expect(JSON.stringify(row)).not.toContain(secret);
    }
    expect(seen).toBeGreaterThan(0);
  });
});

describe('a code that does not fit is invalid_grant, the same outward, and is not used up', () => {
  const DESCRIPTION = 'code is not valid for this client, redirect_uri and code_verifier';

  it.each([
    ['another redirect_uri', { redirect_uri: 'http://localhost:4000/cb' }, 'another redirect_uri'],
    ['another code_verifier', { code_verifier: newVerifier() }, 'wrong code_verifier'],
    ['the challenge as code_verifier', { code_verifier: 'a'.repeat(43) }, 'wrong code_verifier'],
    ['a code_verifier too short', { code_verifier: 'a'.repeat(42) }, 'wrong code_verifier'],
    ['an unknown code', { code: `020000.${'x'.repeat(43)}` }, 'unknown code'],
    ['no code at all', { code: "' or 1 eq 1" }, 'unknown code'],
  ])('%s', async (_, more, reason) => {
    const good = await obtainCode(test);
    const answer = await redeem(test, good, more);
    expectError(answer, 'invalid_grant');
    expect(answer.body.error_description).toBe(DESCRIPTION);
    expect(await recordOf(test, answer)).toMatchObject([{ reason, error: 'invalid_grant' }]);
    expect((await redeem(test, good)).status).toBe(200);
  });

  it.each(['code', 'redirect_uri', 'code_verifier'])('%s missing is invalid_request', async (name) => {
    const good = await obtainCode(test);
    const answer = await redeem(test, good, { [name]: undefined });
    expectError(answer, 'invalid_request');
    expect(answer.body.error_description).toContain(name);
    expect((await redeem(test, good)).status).toBe(200);
  });

  it('of another client', async () => {
    const good = await obtainCode(test);
    const answer = await redeem(test, good, {}, basic(SECOND.id, SECOND.secret));
    expectError(answer, 'invalid_grant');
    expect(await recordOf(test, answer)).toMatchObject([{ reason: 'code of another client' }]);
    expect((await redeem(test, good)).status).toBe(200);
  });

  it('a minute after it was made', async () => {
    const good = await obtainCode(test);
    test.time.now += 60_000;
    expectError(await redeem(test, good), 'invalid_grant');
  });

  it('once the user has taken the grant back', async () => {
    const session = await signIn(test);
    const good = await obtainCode(test, {}, session);
    const { body } = await test.call('listGrants', { headers: session.headers });
    const grant = { grant_id: String(body.grants[0].grant_id) };
    await test.call('endGrant', { method: 'DELETE', params: grant, headers: session.headers });
    expectError(await redeem(test, good), 'invalid_grant');
  });

  it('while the provider is down it is not used up', async () => {
    const good = await obtainCode(test, { resource: GRAPH, scope: 'User.Read' });
    test.entra.answers((_, response) => response.writeHead(503).end());
    expectError(await redeem(test, good), 'temporarily_unavailable', 503);
    test.entra.answers();
    test.time.now += 30_000;
    expect((await redeem(test, good)).status).toBe(200);
  });
});

describe('a code is shown once (RFC 6749 §4.1.2, RFC 9700 §4.5)', () => {
  it('a second showing is refused and ends the grant of the first, whoever shows it', async () => {
    const code = await obtainCode(test);
    const first = await redeem(test, code);
    const grantId = first.body.refresh_token;
    expect((await tokenCall(test, refreshForm(grantId))).status).toBe(200);
    expectError(
      await redeem(test, code, { redirect_uri: 'https://evil.test', code_verifier: 'x' }),
      'invalid_grant',
    );
    expectError(await tokenCall(test, refreshForm(grantId)), 'invalid_grant');
    const [ended] = (await test.audited('grant.ended')).filter((row) => row.grantId === grantId);
    expect(ended).toMatchObject({ reason: 'code_reused' });
  });

  it('is known as used for a day, long after it has expired', async () => {
    const code = await obtainCode(test);
    const { refresh_token: grantId } = (await redeem(test, code)).body;
    test.time.now += 3_600_000;
    expectError(await redeem(test, code), 'invalid_grant');
    expectError(await tokenCall(test, refreshForm(grantId)), 'invalid_grant');
  });

  it('shown twenty times at once to two instances it passes once, and its grant is ended', async () => {
    const other = test.compose({});
    const { code, verifier } = await obtainCode(test);
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: CALLBACK };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        callRoute(index % 2 === 0 ? test.broker : other, 'token', {
          method: 'POST',
          url: `${PUBLIC}/token`,
          headers: { ...FORM, ...basic(NIGHTLY.id, NIGHTLY.secret) },
          body: formText(form),
        }),
      ),
    );
    const passed = answers.filter(({ status }) => status === 200);
    expect(passed).toHaveLength(1);
    expect(new Set(answers.filter((answer) => answer.status !== 200).map(({ body }) => body.error))).toEqual(
      new Set(['invalid_grant']),
    );
    const later = await tokenCall(test, refreshForm(String(passed[0]?.body.refresh_token)));
    expectError(later, 'invalid_grant');
  });
});

/** Another instance, whose tables can be made to fail. */
function faulty(): { on: TestBroker; table: (name: string) => FaultyTable } {
  const tables = new Map<string, FaultyTable>();
  const broker = test.compose(
    {},
    {
      tables: (location) => {
        const open = createTables(location);
        return (name) => {
          const table = tables.get(name) ?? withFaults(open(name), () => test.time.now);
          tables.set(name, table);
          return table;
        };
      },
    },
  );
  const on: TestBroker = Object.create(test, {
    call: { value: (route: HttpRoute, asked?: Asked) => callRoute(broker, route, asked) },
  });
  const table = (name: string) => {
    const found = tables.get(name);
    if (!found) throw new Error('no such table');
    return found;
  };
  return { on, table };
}

describe('a code is not used up by an answer that never left', () => {
  it('while its audit row cannot be written no token leaves, and the same request passes later, once', async () => {
    const { on, table } = faulty();
    const code = await obtainCode(test);
    table('audit').cut();
    const cutOff = await redeem(on, code);
    expectError(cutOff, 'temporarily_unavailable', 503);
    expect(cutOff.text).not.toContain('access_token');
    table('audit').mend();
    test.time.now += 10_000;
    const answer = await redeem(on, code);
    expect(answer.status).toBe(200);
    expect((await tokenCall(test, refreshForm(answer.body.refresh_token))).status).toBe(200);
    expectError(await redeem(on, code), 'invalid_grant');
    expectError(await tokenCall(test, refreshForm(answer.body.refresh_token)), 'invalid_grant');
  });

  it('nor by one that was recorded and could not be closed', async () => {
    const { on, table } = faulty();
    const code = await obtainCode(test);
    table('codes').fail('update', ['down'], 1);
    expectError(await redeem(on, code), 'temporarily_unavailable', 503);
    const answer = await redeem(test, code);
    expect(answer.status).toBe(200);
    expect((await tokenCall(test, refreshForm(answer.body.refresh_token))).status).toBe(200);
  });

  it('our own writes, applied and reported as conflicts, are nobody else', async () => {
    const { on, table } = faulty();
    table('codes').fail('update', ['applied_but_conflict', 'applied_but_conflict']);
    const answer = await redeem(on, await obtainCode(test));
    expect(answer.status).toBe(200);
    expect((await tokenCall(test, refreshForm(answer.body.refresh_token))).status).toBe(200);
  });

  it.each([
    ['without its verifier', { code_verifier: newVerifier() }, undefined],
    ['by another client', {}, basic(SECOND.id, SECOND.secret)],
  ])('shown %s meanwhile it is in two hands, and its grant is ended', async (_, more, headers) => {
    const { on, table } = faulty();
    const code = await obtainCode(test);
    table('audit').cut();
    await redeem(on, code);
    const endings = async () =>
      (await test.audited('grant.ended')).filter(({ reason }) => reason === 'code_reused').length;
    const before = await endings();
    expectError(await redeem(test, code, more, headers), 'invalid_grant');
    expect(await endings()).toBe(before + 1);
    expectError(await redeem(test, code), 'invalid_grant');
  });

  it('of two showings that overtake one another only the last is closed, and nobody comes after it', async () => {
    const codes = createCodeStore(
      createTables({ connectionString: test.tables.connectionString })('codes'),
      systemRandom,
    );
    const { code } = await obtainCode(test);
    const found = await codes.find(code);
    const first = found && (await codes.spend(code, found, test.time.now));
    if (!found || !first) throw new Error('not spent');
    expect(await codes.spend(code, found, test.time.now)).toBeUndefined();
    const again = await codes.find(code);
    const second = again && (await codes.spend(code, again, test.time.now));
    if (!second) throw new Error('not taken over');
    expect(await codes.settle(code, first)).toBe(false);
    expect(await codes.settle(code, second)).toBe(true);
    expect(await codes.spend(code, second, test.time.now)).toBeUndefined();
    expect((await codes.find(code))?.value.openUse).toBeUndefined();
  });
});

describe('what is left of codes', () => {
  it('is swept away a day later, a slice at a time, and nothing younger is', async () => {
    const tables = createTables({ connectionString: test.tables.connectionString });
    const codes = createCodeStore(tables('codes'), systemRandom);
    const old = await obtainCode(test);
    test.time.now += 2 * 86_400_000;
    const young = await obtainCode(test);
    while ((await codes.sweep(test.time.now, 2)) > 0);
    expect(await codes.find(old.code)).toBeUndefined();
    expect(await codes.find(young.code)).toBeDefined();
    expect((await redeem(test, young)).status).toBe(200);
  });
});
