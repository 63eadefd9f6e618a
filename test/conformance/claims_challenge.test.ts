import { expect, it } from 'vitest';
import { createBrowser } from '../../local/demo/browser.js';
import { signIn } from '../support/signed_in.js';
import { claimsOf, GRAPH, press, refresh, stack, token } from './support.js';

const CHALLENGE = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
const AUDRA = 'audra@contoso.test';

it('OpenID Connect Core §5.5 a claims challenge: refused with it, the user signs in with it, then it is met', async () => {
  const user = await signIn(stack, AUDRA);
  const scope = 'User.Read Mail.Read';
  const { body: grant } = await user.send('POST', '/grants', {
    client_id: 'nightly-report',
    resource: GRAPH,
    scope,
  });
  const asked = refresh(grant.grant_id, { resource: GRAPH });
  expect('acrs' in claimsOf((await token(asked)).body.access_token)).toBe(false);

  const refused = await token({ ...asked, claims: CHALLENGE });
  expect([refused.status, refused.body.error]).toEqual([400, 'interaction_required']);
  expect(refused.body.claims).toBe(CHALLENGE);
  expect((await token(asked)).status).toBe(200);

  const browser = createBrowser();
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'nightly-report',
    redirect_uri: 'http://localhost:4000/callback',
    resource: GRAPH,
    scope,
    claims: refused.body.claims,
    code_challenge: 'a'.repeat(43),
    code_challenge_method: 'S256',
    login_hint: AUDRA,
  });
  const second = await browser.visit(`${stack.gateway}/authorize?${query}`);
  expect(second.text).toContain('Approve sign in');
  const consent = await press(browser, second, { approve: '1' });
  expect(consent.text).toContain('name="decision"');
  const back = await press(browser, consent, { decision: 'allow' });
  expect(back.location).toContain('code=');

  const met = await token({ ...asked, claims: CHALLENGE });
  expect(met.status).toBe(200);
  expect(claimsOf(met.body.access_token)).toMatchObject({ acrs: ['c1'], xms_cc: ['cp1'] });
  expect(claimsOf((await token(asked)).body.access_token).acrs).toBeUndefined();
});
