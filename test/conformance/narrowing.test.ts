import { describe, expect, it } from 'vitest';
import { allow, claimsOf, GRAPH, refresh, token } from './support.js';

const PROFILE = `${GRAPH}/profile`;

describe('what a provider that narrows nothing is narrowed to', () => {
  it('directly: nothing, so a token wider than asked is refused (RFC 6749 §5.1)', async () => {
    const grant = await allow('alice@contoso.test', 'nightly-report', 'User.Read', GRAPH);
    const answer = await token(refresh(grant, { resource: GRAPH }));
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
  });

  it('through a facade: exactly what was asked, and the token itself says so', async () => {
    const grant = await allow('alice@contoso.test', 'nightly-report', 'User.Read', PROFILE);
    const answer = await token(refresh(grant, { resource: PROFILE }));
    expect(answer).toMatchObject({ status: 200, body: { scope: 'User.Read', narrowing: 'provider' } });
    const claims = claimsOf(answer.body.access_token);
    expect(claims).toMatchObject({ scp: 'User.Read', appid: '55555555-5555-4555-8555-555555555555' });
  });
});
