import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { depthOf } from '../../../shared/domain/actor.js';
import { Refusal } from '../../../shared/domain/errors.js';
import { isSubset } from '../../../shared/domain/scope.js';
import {
  ALICE,
  actorToken,
  type Bench,
  BROKER_APP,
  client,
  createBench,
  ISSUER,
  subjectToken,
} from './exchange_bench.js';

const report = client('report', { actors: ['helper'] });
const helper = client('helper');
const server = client('orders-api', { serves: ['api://orders'] });
const clients = [report, helper, server];

let bench: Bench;
beforeEach(async () => {
  bench = await createBench(clients);
});

async function refusal(promise: Promise<unknown>): Promise<Refusal> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Refusal);
  return error as Refusal;
}

describe('RFC 8693 §2.1: the user’s own token as subject_token', () => {
  it('an access token for the broker holds what the user’s grants give this client', async () => {
    bench.allow(report, ['a']);
    bench.allow(report, ['b'], 60);
    bench.allow(helper, ['c']);
    const held = await bench.held(report, subjectToken(await bench.providerToken()));
    expect(held.subject).toEqual(ALICE);
    expect(held.scope).toEqual(['a', 'b']);
    expect(held.expiresAt).toBe(Date.UTC(2026, 10, 23) + 60_000);
  });

  it('a grant that ends soon shortens nothing that another gives for longer', async () => {
    bench.allow(report, ['a', 'b'], 3000);
    bench.allow(report, ['a'], 5);
    bench.allow(report, ['c'], 60);
    const subject = subjectToken(await bench.providerToken());
    const life = async (more: Record<string, string>) =>
      ((await bench.held(report, { ...subject, ...more })).expiresAt - Date.UTC(2026, 10, 23)) / 1000;
    expect(await life({ scope: 'a' })).toBe(3000);
    expect(await life({ scope: 'a c' })).toBe(60);
    expect(await life({})).toBe(60);
  });

  it('is by a grant that holds what is asked, however much longer another lives', async () => {
    const longer = bench.allow(report, ['a'], 3000);
    const wanted = bench.allow(report, ['b'], 60);
    const subject = subjectToken(await bench.providerToken());
    const by = async (scope: string) => (await bench.held(report, { ...subject, scope })).grantId;
    expect(await by('b')).toBe(wanted.grantId);
    expect(await by('a')).toBe(longer.grantId);
    expect(await by('c')).toBe(longer.grantId);
  });

  it('an ID token for the broker does too, and jwt takes either', async () => {
    bench.allow(report, ['a']);
    const idToken = await bench.providerToken({ aud: BROKER_APP, scp: undefined, nonce: 'n' });
    expect((await bench.held(report, subjectToken(idToken, 'id_token'))).scope).toEqual(['a']);
    expect((await bench.held(report, subjectToken(idToken, 'jwt'))).scope).toEqual(['a']);
    expect((await bench.held(report, subjectToken(await bench.providerToken(), 'jwt'))).scope).toEqual(['a']);
  });

  it('never outlives the subject token', async () => {
    bench.allow(report, ['a']);
    const soon = Math.floor(Date.UTC(2026, 10, 23) / 1000) + 30;
    const held = await bench.held(report, subjectToken(await bench.providerToken({ exp: soon })));
    expect(held.expiresAt).toBe(soon * 1000);
  });

  it('without a grant for this client the user has to be asked: interaction_required', async () => {
    bench.allow(helper, ['a']);
    const refused = await refusal(bench.held(report, subjectToken(await bench.providerToken())));
    expect(refused.code).toBe('interaction_required');
  });

  it('a client may be held to other audiences by policy, and then takes no other', async () => {
    const own = client('own', { subjectAudiences: ['app-own'] });
    bench.allow(own, ['a']);
    const forOwn = await bench.providerToken({ aud: 'app-own' });
    expect((await bench.held(own, subjectToken(forOwn))).scope).toEqual(['a']);
    const forBroker = await bench.providerToken();
    expect((await refusal(bench.held(own, subjectToken(forBroker)))).code).toBe('invalid_request');
  });
});

describe('RFC 8693 §2.2.2: an unacceptable subject_token is invalid_request', () => {
  const bad: Record<string, () => Promise<Record<string, string>>> = {
    'another audience': async () =>
      subjectToken(await bench.providerToken({ aud: 'https://graph.microsoft.com' })),
    'another issuer': async () => subjectToken(await bench.providerToken({ iss: 'https://evil.test' })),
    'another tenant': async () => subjectToken(await bench.providerToken({ tid: 'other' })),
    expired: async () => subjectToken(await bench.providerToken({ exp: 1 })),
    'an app’s token': async () =>
      subjectToken(await bench.providerToken({ scp: undefined, idtyp: 'app', sub: ALICE.id }), 'jwt'),
    'an ID token called an access token': async () =>
      subjectToken(await bench.providerToken({ aud: BROKER_APP, scp: undefined, nonce: 'n' })),
    'an access token called an ID token': async () => subjectToken(await bench.providerToken(), 'id_token'),
    'no user named': async () => subjectToken(await bench.providerToken({ oid: undefined })),
    'no token at all': async () => subjectToken('not-a-jwt'),
    'a signature cut off': async () => subjectToken((await bench.providerToken()).replace(/\.[^.]*$/, '.')),
    'may_act for another': async () =>
      subjectToken(await bench.providerToken({ may_act: { sub: 'helper' } })),
    'a malformed act': async () => subjectToken(await bench.providerToken({ act: 'root' })),
    'a type of its own': async () => subjectToken(await bench.providerToken(), 'saml2'),
  };

  it.each(Object.keys(bad))('%s', async (name) => {
    bench.allow(report, ['a']);
    const parameters = await bad[name]?.();
    const refused = await refusal(bench.held(report, parameters ?? {}));
    expect(refused.code).toBe('invalid_request');
    expect(refused.description).not.toContain(parameters?.subject_token ?? '?');
  });
});

describe('RFC 8693 §4.1: delegation is named', () => {
  it('the client acts, and a second exchange adds to the chain', async () => {
    bench.allow(report, ['a', 'b']);
    bench.allow(server, ['a', 'b']);
    const first = await bench.issue(report, subjectToken(await bench.providerToken()));
    expect(first.claims.act).toEqual({ sub: 'report' });
    const second = await bench.issue(server, subjectToken(first.token), ['a']);
    expect(second.claims.act).toEqual({ sub: 'orders-api', act: { sub: 'report' } });
    expect(second.claims.subject).toEqual(ALICE);
    expect(second.claims.scope).toEqual(['a']);
  });

  it('an actor_token names who acts, where policy lets this client speak for it', async () => {
    bench.allow(report, ['a']);
    bench.allow(helper, ['a']);
    const app = (id: string) =>
      bench.providerToken({ scp: undefined, idtyp: 'app', azp: `app-${id}`, sub: 's', oid: 's' });
    const subject = subjectToken(await bench.providerToken());
    const issued = await bench.issue(report, { ...subject, ...actorToken(await app('helper')) });
    expect(issued.claims.act).toEqual({ sub: 'helper' });
    expect(issued.claims.clientId).toBe('report');
    const stranger = bench.held(helper, { ...subject, ...actorToken(await app('report')) });
    expect((await refusal(stranger)).description).toBe('actor_token is not acceptable');
  });

  it.each([['actor_token'], ['actor_token_type']])('%s alone is invalid_request', async (name) => {
    const grant = bench.allow(report, ['a']);
    const parameters = {
      ...subjectToken(grant.grantId, 'refresh_token'),
      [name]: 'urn:ietf:params:oauth:token-type:jwt',
    };
    expect((await refusal(bench.held(report, parameters))).description).toContain('together');
  });

  it('may_act is honoured whether or not the request names an actor', async () => {
    bench.allow(report, ['a']);
    const token = await bench.providerToken({ may_act: { sub: 'report' } });
    expect((await bench.held(report, subjectToken(token))).scope).toEqual(['a']);
    const app = await bench.providerToken({
      scp: undefined,
      idtyp: 'app',
      azp: 'app-helper',
      sub: 's',
      oid: 's',
    });
    const other = bench.held(report, { ...subjectToken(token), ...actorToken(app) });
    expect((await refusal(other)).reason).toContain('may_act');
  });
});

describe('exchanging a token of the broker’s own', () => {
  it('is for whom it was made, or for the server it was made to call; for nobody else', async () => {
    for (const who of clients) bench.allow(who, ['a']);
    const { token } = await bench.issue(report, subjectToken(await bench.providerToken()));
    expect((await bench.held(report, subjectToken(token))).scope).toEqual(['a']);
    expect((await bench.held(server, subjectToken(token))).scope).toEqual(['a']);
    expect((await refusal(bench.held(helper, subjectToken(token)))).code).toBe('invalid_request');
  });

  it('lets nobody act whom the token it came of did not let act: may_act is handed on', async () => {
    for (const who of clients) bench.allow(who, ['a']);
    const may_act = { sub: 'report' };
    const { token, claims } = await bench.issue(report, subjectToken(await bench.providerToken({ may_act })));
    expect(claims.mayAct).toEqual(may_act);
    expect((await refusal(bench.held(server, subjectToken(token)))).reason).toContain('may_act');
    const again = await bench.issue(report, subjectToken(token));
    expect((await refusal(bench.held(server, subjectToken(again.token)))).reason).toContain('may_act');
  });

  it('cannot reach another audience, and is refused once revoked', async () => {
    bench.allow(report, ['a']);
    const { token, claims } = await bench.issue(report, subjectToken(await bench.providerToken()));
    const elsewhere = bench.held(report, { ...subjectToken(token), resource: 'api://other' });
    expect((await refusal(elsewhere)).code).toBe('invalid_target');
    bench.revoked.add(claims.id);
    expect((await refusal(bench.held(report, subjectToken(token)))).code).toBe('invalid_request');
  });

  it('is refused, whoever holds it, once the grant it came of has ended; another that holds all of it will do', async () => {
    const [only] = [bench.allow(report, ['a', 'b']), bench.allow(server, ['a', 'b'])];
    const { token } = await bench.issue(report, subjectToken(await bench.providerToken()));
    bench.end(only);
    bench.allow(report, ['a']);
    const refused = await refusal(bench.held(server, subjectToken(token)));
    expect([refused.code, refused.reason]).toEqual([
      'invalid_request',
      'the grant that the subject token came of has ended',
    ]);
    expect((await refusal(bench.held(report, subjectToken(token)))).code).toBe('invalid_request');
    bench.allow(report, ['b']);
    expect((await bench.held(server, subjectToken(token))).scope).toEqual(['a', 'b']);
  });

  it('no token of this issuer passes as a provider’s, or the other way round', async () => {
    bench.allow(report, ['a']);
    const forged = await bench.providerToken({
      iss: ISSUER,
      client_id: 'report',
      scope: 'a b c d',
      jti: 'x',
      aud: 'api://orders',
    });
    expect((await refusal(bench.held(report, subjectToken(forged)))).code).toBe('invalid_request');
  });

  it('n-fold exchange never widens scope or life and never loses an actor', async () => {
    const scopes = fc.subarray(['a', 'b', 'c', 'd'], { minLength: 1 });
    const hop = fc.record({ who: fc.constantFrom(...clients), grant: scopes, asked: fc.option(scopes) });
    await fc.assert(
      fc.asyncProperty(fc.array(hop, { minLength: 1, maxLength: 6 }), async (hops) => {
        const fresh = await createBench(clients);
        let presented = subjectToken(await fresh.providerToken());
        let before: Awaited<ReturnType<Bench['issue']>>['claims'] | undefined;
        for (const { who, grant, asked } of hops) {
          fresh.allow(who, grant);
          fresh.step(1000);
          const issued = await fresh.issue(who, presented, asked ?? undefined).catch((error: unknown) => {
            expect(error).toBeInstanceOf(Refusal);
            return undefined;
          });
          if (!issued) continue;
          if (before) {
            expect(isSubset(issued.claims.scope, before.scope)).toBe(true);
            expect(issued.claims.expiresAt).toBeLessThanOrEqual(before.expiresAt);
            expect(issued.claims.resource).toBe(before.resource);
            expect(issued.claims.subject).toEqual(before.subject);
            expect(depthOf(issued.claims.act)).toBeGreaterThanOrEqual(depthOf(before.act));
          }
          before = issued.claims;
          presented = subjectToken(issued.token);
        }
      }),
      { numRuns: 60 },
    );
  });
});
