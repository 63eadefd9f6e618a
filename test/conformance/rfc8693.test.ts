import { beforeAll, describe, expect, it } from 'vitest';
import { appToken, signIn } from '../support/signed_in.js';
import {
  agent,
  allow,
  claimsOf,
  exchange,
  GRAPH,
  ORDERS,
  ordersApi,
  report,
  stack,
  TOKEN_TYPE,
  token,
  userTokens,
} from './support.js';

let grant: string;
let bob: { access_token: string; id_token: string };
beforeAll(async () => {
  grant = await allow('bob@contoso.test', 'nightly-report');
  await allow('bob@contoso.test', 'orders-api', 'orders.read');
  bob = await userTokens('bob@contoso.test');
});

describe('RFC 8693 §2.1 the request', () => {
  it.each([['subject_token'], ['subject_token_type']])('%s is required', async (name) => {
    const { [name]: _, ...rest } = exchange(grant, 'refresh_token');
    const { status, body } = await token(rest as Record<string, string>);
    expect([status, body.error, body.error_description]).toEqual([
      400,
      'invalid_request',
      `${name} is missing`,
    ]);
  });

  it.each(['actor_token', 'actor_token_type'])('%s must not stand alone', async (name) => {
    const { status, body } = await token(exchange(grant, 'refresh_token', { [name]: `${TOKEN_TYPE}jwt` }));
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });

  it('a requested_token_type that is not issued is invalid_request', async () => {
    const more = { requested_token_type: `${TOKEN_TYPE}saml2` };
    const { status, body } = await token(exchange(grant, 'refresh_token', more));
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });

  it('the subject may be a grant, the user’s access token, ID token, or either as jwt', async () => {
    for (const [subject, type] of [
      [grant, 'refresh_token'],
      [bob.access_token, 'access_token'],
      [bob.id_token, 'id_token'],
      [bob.access_token, 'jwt'],
    ] as const) {
      const { status, body } = await token(exchange(subject, type));
      expect([type, status, body.narrowing]).toEqual([type, 200, 'minted']);
      expect(claimsOf(body.access_token).oid).toBe(stack.users[1]?.oid);
    }
  });
});

describe('RFC 8693 §2.2.1 the answer', () => {
  it('names the issued token type', async () => {
    const { body } = await token(exchange(grant, 'refresh_token'));
    expect(body.issued_token_type).toBe(`${TOKEN_TYPE}access_token`);
    expect(body.token_type).toBe('Bearer');
    expect(body.expires_in).toBeGreaterThan(0);
  });
});

describe('RFC 8693 §2.2.2 errors', () => {
  it('a subject token that is invalid, foreign or of the wrong kind is invalid_request, never invalid_grant', async () => {
    const app = await appToken(report);
    for (const [subject, type] of [
      ['no-token', 'access_token'],
      ['no-grant', 'refresh_token'],
      [bob.access_token, 'id_token'],
      [bob.id_token, 'access_token'],
      [app, 'access_token'],
      [bob.access_token.slice(0, -4), 'access_token'],
    ] as const) {
      const { status, body } = await token(exchange(subject, type));
      expect([type, status, body.error]).toEqual([type, 400, 'invalid_request']);
    }
    const foreign = await token(exchange(grant, 'refresh_token'), agent);
    expect([foreign.status, foreign.body.error]).toEqual([400, 'invalid_request']);
  });

  it('a target that is not allowed is invalid_target', async () => {
    for (const resource of ['api://nowhere', GRAPH]) {
      const { status, body } = await token(exchange(grant, 'refresh_token', { resource }));
      expect([status, body.error]).toEqual([400, 'invalid_target']);
    }
  });

  it('a user who has not allowed this client has to be asked: interaction_required', async () => {
    const { status, body } = await token(exchange(bob.access_token, 'access_token'), agent);
    expect([status, body.error]).toEqual([400, 'interaction_required']);
  });
});

describe('RFC 8693 §4.1 act', () => {
  it('names the client, then the server that exchanges what it was called with', async () => {
    const first = await token(exchange(bob.access_token, 'access_token'));
    expect(claimsOf(first.body.access_token).act).toEqual({ sub: 'nightly-report' });
    const second = await token(exchange(first.body.access_token, 'access_token'), ordersApi);
    expect(second.status).toBe(200);
    const claims = claimsOf(second.body.access_token);
    expect(claims.act).toEqual({ sub: 'orders-api', act: { sub: 'nightly-report' } });
    expect(claims.scope).toBe('orders.read');
    expect(claims.exp).toBeLessThanOrEqual(claimsOf(first.body.access_token).exp as number);
  });

  it('an actor_token names another actor, where policy allows', async () => {
    const more = { actor_token: await appToken(agent), actor_token_type: `${TOKEN_TYPE}jwt` };
    const { body } = await token(exchange(bob.access_token, 'access_token', more));
    expect(claimsOf(body.access_token).act).toEqual({ sub: 'mail-agent' });
  });

  it('a provider’s token cannot carry it, so it is refused there', async () => {
    const graph = await allow('bob@contoso.test', 'nightly-report', 'User.Read Mail.Read', GRAPH);
    const more = {
      actor_token: await appToken(agent),
      actor_token_type: `${TOKEN_TYPE}jwt`,
      resource: GRAPH,
    };
    const { status, body } = await token(exchange(graph, 'refresh_token', more));
    expect([status, body.error]).toEqual([400, 'invalid_target']);
  });

  it('is on the audit', async () => {
    const audra = await signIn(stack, 'audra@contoso.test');
    const { body } = await audra.send('GET', '/audit/events?type=token.issued&client_id=orders-api');
    expect(body.events[0].actor).toBe('orders-api < nightly-report');
  });
});

describe('RFC 8693 §5 what an exchange gives is never more', () => {
  it('one of the broker’s own tokens cannot be exchanged by a stranger, widened, or sent elsewhere', async () => {
    const { body } = await token(exchange(grant, 'refresh_token', { scope: 'orders.read' }));
    const own = body.access_token;
    await allow('bob@contoso.test', 'mail-agent', 'orders.read');
    const answers = [
      await token(exchange(own, 'access_token'), agent),
      await token(exchange(own, 'access_token', { scope: 'orders.write' })),
      await token(exchange(own, 'access_token', { resource: GRAPH })),
    ];
    expect(answers.map((answer) => answer.body.error)).toEqual([
      'invalid_request',
      'invalid_scope',
      'invalid_target',
    ]);
    expect((await token(exchange(own, 'access_token'))).body.scope).toBe('orders.read');
    expect(ORDERS).toBe(claimsOf(own).aud);
  });
});
