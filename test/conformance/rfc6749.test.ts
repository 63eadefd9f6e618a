import { beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { signIn } from '../support/signed_in.js';
import { agent, allow, ORDERS, refresh, report, stack, token } from './support.js';

let grant: string;
beforeAll(async () => {
  grant = await allow('alice@contoso.test', 'nightly-report');
});

describe('RFC 6749 §3.2 the token endpoint', () => {
  it('takes POST alone: 405 with Allow', async () => {
    const response = await fetch(`${stack.gateway}/token`);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('a parameter without a value counts as left out', async () => {
    const { status, body } = await token({ ...refresh(grant), scope: '', audience: '' });
    expect([status, body.scope]).toEqual([200, 'orders.read orders.write']);
  });

  it('an unknown parameter is ignored', async () => {
    expect((await token({ ...refresh(grant), colour: 'blue' })).status).toBe(200);
  });

  it.each(['grant_type', 'refresh_token', 'resource', 'scope', 'client_id', 'colour'])(
    'a parameter given twice is invalid_request: %s',
    async (name) => {
      const form = new URLSearchParams({ ...refresh(grant), scope: 'orders.read', [name]: 'a' });
      form.append(name, 'b');
      const { status, body } = await token(form.toString());
      expect([status, body.error]).toEqual([400, 'invalid_request']);
      expect(body.error_description).toContain(name);
    },
  );

  it('another media type is 415, and is not read', async () => {
    const answer = await token(JSON.stringify(refresh(grant)), report, {
      'content-type': 'application/json',
    });
    expect([answer.status, answer.body.error]).toEqual([415, 'invalid_request']);
  });

  it('cookies do not authenticate', async () => {
    const { status, body } = await token(refresh(grant), null, { cookie: 'AppServiceAuthSession=x' });
    expect([status, body.error]).toEqual([401, 'invalid_client']);
  });
});

describe('RFC 6749 §2.3.1 the client’s password', () => {
  it('both halves of Basic are form-decoded', async () => {
    const encode = (text: string) => [...text].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('');
    const pair = `${encode(report.client_id)}:${encode(report.client_secret)}`;
    const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    expect((await token(refresh(grant), null, { authorization })).status).toBe(200);
  });

  it('may come in the form', async () => {
    const { client_id, client_secret } = report;
    expect((await token({ ...refresh(grant), client_id, client_secret }, null)).status).toBe(200);
  });
});

describe('RFC 6749 §2.3 one way of authenticating', () => {
  it('two ways at once are invalid_request', async () => {
    const { client_id, client_secret } = report;
    const { status, body } = await token({ ...refresh(grant), client_id, client_secret });
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });

  it('a client_id beside Basic must be the same', async () => {
    expect((await token({ ...refresh(grant), client_id: report.client_id })).status).toBe(200);
    const { status, body } = await token({ ...refresh(grant), client_id: agent.client_id });
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });
});

describe('RFC 6749 §5.1 the answer', () => {
  it('is JSON, not to be stored, with access_token, token_type, expires_in and scope', async () => {
    const { status, headers, body } = await token(refresh(grant));
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('pragma')).toBe('no-cache');
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 600, scope: 'orders.read orders.write' });
    expect(typeof body.access_token).toBe('string');
    expect(body.refresh_token).toBeUndefined();
  });
});

describe('RFC 6749 §5.2 errors', () => {
  const unknown = 'x'.repeat(43);
  it.each([
    ['invalid_request: grant_type missing', { resource: ORDERS }, 400, 'invalid_request'],
    [
      'invalid_request: refresh_token missing',
      { grant_type: 'refresh_token', resource: ORDERS },
      400,
      'invalid_request',
    ],
    ['unsupported_grant_type', { grant_type: 'password', resource: ORDERS }, 400, 'unsupported_grant_type'],
    [
      'invalid_grant: unknown',
      { grant_type: 'refresh_token', refresh_token: `${unknown}.${'y'.repeat(22)}`, resource: ORDERS },
      400,
      'invalid_grant',
    ],
    [
      'invalid_grant: not even a grant',
      { grant_type: 'refresh_token', refresh_token: "' or 1 eq 1", resource: ORDERS },
      400,
      'invalid_grant',
    ],
  ])('%s', async (_, parameters, status, error) => {
    const answer = await token(parameters);
    expect([answer.status, answer.body.error]).toEqual([status, error]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it.each([
    ['unknown client', { ...report, client_id: 'nobody' }],
    ['wrong secret', { ...report, client_secret: 'wrong-wrong-wrong-wrong' }],
    ['no secret', { ...report, client_secret: '' }],
  ])('invalid_client is 401 with a challenge in the scheme that was tried: %s', async (_, as) => {
    const { status, headers, body } = await token(refresh(grant), as);
    expect([status, body.error, body.error_description]).toEqual([
      401,
      'invalid_client',
      'client authentication failed',
    ]);
    expect(headers.get('www-authenticate')).toMatch(/^Basic /);
  });

  it('invalid_grant: a grant issued to another client', async () => {
    const { status, body } = await token(refresh(grant), agent);
    expect([status, body.error]).toEqual([400, 'invalid_grant']);
  });

  it('invalid_grant: a grant that has expired', async () => {
    const bob = await signIn(stack, 'bob@contoso.test');
    const asked = { client_id: 'nightly-report', resource: ORDERS, scope: 'orders.read', expires_in: 2 };
    const { body } = await bob.send('POST', '/grants', asked);
    expect((await token(refresh(body.grant_id))).body.expires_in).toBeLessThanOrEqual(2);
    const refused = await eventually('the grant to expire', async () => {
      const answer = await token(refresh(body.grant_id));
      return answer.status === 400 && answer;
    });
    expect(refused.body.error).toBe('invalid_grant');
  });

  it('invalid_scope: malformed, unknown, or exceeding what was granted', async () => {
    for (const scope of [
      'a"b',
      ' orders.read',
      'orders.read  orders.write',
      'orders.delete',
      'orders.read orders.delete',
    ]) {
      const { status, body } = await token(refresh(grant, { scope }));
      expect([scope, status, body.error]).toEqual([scope, 400, 'invalid_scope']);
    }
  });

  it('no description repeats a value', async () => {
    const canary = 'canary-0123456789';
    for (const name of ['grant_type', 'refresh_token', 'resource', 'scope', 'client_assertion', canary]) {
      const { body } = await token({
        ...refresh(grant),
        [name]: canary,
        ...(name === canary ? { scope: '"' } : {}),
      });
      expect(JSON.stringify(body)).not.toContain(canary);
    }
  });
});

describe('RFC 6749 §6 refreshing', () => {
  it('scope may be narrowed, and left out means all of it', async () => {
    expect((await token(refresh(grant, { scope: 'orders.read' }))).body.scope).toBe('orders.read');
    expect((await token(refresh(grant, { scope: 'orders.write orders.read' }))).body.scope).toBe(
      'orders.read orders.write',
    );
    expect((await token(refresh(grant))).body.scope).toBe('orders.read orders.write');
  });

  it('a narrowed token does not narrow the grant', async () => {
    await token(refresh(grant, { scope: 'orders.read' }));
    expect((await token(refresh(grant, { scope: 'orders.write' }))).body.scope).toBe('orders.write');
  });
});
