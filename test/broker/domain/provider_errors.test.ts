import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProviderFailure } from '../../../shared/domain/refresh_result.js';
import { facebook } from '../../../shared/providers/facebook.js';
import { github } from '../../../shared/providers/github.js';
import { google } from '../../../shared/providers/google.js';
import { openIdRules } from '../../../shared/providers/openid.js';
import { twitter } from '../../../shared/providers/twitter.js';

const custom = openIdRules({ name: 'contoso', rotation: 'single-use' });
const all = [google, facebook, twitter, github, custom] as const;

function verdictOf(rules: (typeof all)[number], failure: Partial<ProviderFailure>): string {
  const verdict = rules.classify({ status: 400, error: 'unknown', codes: [], ...failure }, undefined);
  const circuit = verdict.opensCircuit ? ', circuit' : '';
  return `${verdict.class}${circuit}${verdict.waitSeconds === undefined ? '' : `, ${verdict.waitSeconds} s`}`;
}

const DEAD = 'grant_dead';
const USER = 'user_action_required';
const DAILY = 'user_action_required, 86400 s';
const TRANSIENT = 'transient';
const OURS = 'broker_misconfigured, circuit';
const REQUEST = 'broker_misconfigured';

describe("Google's errors", () => {
  it.each([
    ['invalid_grant', undefined, DEAD],
    ['invalid_grant', 'invalid_rapt', USER],
    ['rapt_required', undefined, USER],
    ['admin_policy_enforced', undefined, DAILY],
    ['invalid_client', undefined, OURS],
    ['unauthorized_client', undefined, OURS],
    ['deleted_client', undefined, OURS],
    ['disabled_client', undefined, OURS],
    ['org_internal', undefined, OURS],
    ['invalid_scope', undefined, REQUEST],
    ['unreadable_answer', undefined, TRANSIENT],
  ])('%s %s is %s', (error, suberror, verdict) => {
    expect(verdictOf(google, { error, ...(suberror ? { suberror } : {}) })).toBe(verdict);
  });
});

describe("Facebook's errors", () => {
  it.each([
    ['the app was removed', { codes: [190, 458] }, DEAD],
    ['the password was changed', { codes: [190, 460] }, DEAD],
    ['the token has ended', { codes: [190, 463] }, DEAD],
    ['the token is invalid', { codes: [190, 467] }, DEAD],
    ['the token cannot be read', { codes: [190] }, DEAD],
    ['a checkpoint', { codes: [190, 459] }, DAILY],
    ['an unconfirmed user', { codes: [190, 464] }, DAILY],
    ['an unknown error', { status: 500, codes: [1] }, TRANSIENT],
    ['an unknown error under status 400', { codes: [1] }, TRANSIENT],
    ['a service that is away', { codes: [2] }, TRANSIENT],
    ['too many calls of the app', { status: 403, codes: [4] }, TRANSIENT],
    ['too many calls for the user', { status: 403, codes: [17] }, TRANSIENT],
    ['too many calls for anything', { status: 403, codes: [341] }, TRANSIENT],
    ['no permission', { status: 403, codes: [10] }, USER],
    ['a permission taken back', { status: 403, codes: [200] }, USER],
    ['our own app token refused', { error: 'app_refused', codes: [190] }, OURS],
    ["another app's token", { error: 'foreign_token' }, DEAD],
    ['a parameter of ours', { codes: [100] }, REQUEST],
  ])('%s', (_, failure, verdict) => {
    expect(verdictOf(facebook, failure)).toBe(verdict);
  });
});

describe("X's errors", () => {
  it.each([
    [89, 401, DEAD],
    [64, 403, DAILY],
    [326, 403, DAILY],
    [88, 429, TRANSIENT],
    [88, 403, TRANSIENT],
    [416, 401, OURS],
    [32, 401, REQUEST],
    [135, 401, REQUEST],
    [215, 400, REQUEST],
  ])('%i under status %i is %s', (code, status, verdict) => {
    expect(verdictOf(twitter, { status, codes: [code] })).toBe(verdict);
  });
});

describe("GitHub's errors, also those under status 200", () => {
  it.each([
    ['incorrect_client_credentials', 200, OURS],
    ['incorrect_client_credentials', 401, OURS],
    ['bad_refresh_token', 200, DEAD],
    ['bad_verification_code', 200, DEAD],
    ['bad_credentials', 401, DEAD],
    ['token_not_found', 404, DEAD],
    ['expiring_token', 200, DEAD],
    ['account_refused', 403, DAILY],
    ['rate_limited', 403, TRANSIENT],
    ['unsupported_grant_type', 200, REQUEST],
  ])('%s under status %i is %s', (error, status, verdict) => {
    expect(verdictOf(github, { error, status })).toBe(verdict);
  });
});

describe('errors of a custom OpenID Connect provider (RFC 6749 §5.2)', () => {
  it.each([
    ['invalid_grant', 400, DEAD],
    ['invalid_client', 401, OURS],
    ['unauthorized_client', 400, OURS],
    ['invalid_request', 400, REQUEST],
    ['invalid_scope', 400, REQUEST],
    ['invalid_target', 400, REQUEST],
    ['unsupported_grant_type', 400, REQUEST],
    ['interaction_required', 400, USER],
    ['consent_required', 400, USER],
    ['temporarily_unavailable', 400, TRANSIENT],
    ['server_error', 400, TRANSIENT],
    ['easy_auth_session_ended', 401, USER],
    ['easy_auth_refresh_refused', 403, USER],
    ['easy_auth_cannot_refresh', 400, REQUEST],
    ['easy_auth_store_off', 404, REQUEST],
  ])('%s under status %i is %s', (error, status, verdict) => {
    expect(verdictOf(custom, { error, status })).toBe(verdict);
  });
});

describe('errors of every provider', () => {
  const statuses = fc.constantFrom(0, 408, 429, 500, 502, 503, 504);
  const words = fc.constantFrom('invalid_grant', 'invalid_client', 'bad_credentials', 'token_invalid', 'x');
  const codes = fc.array(fc.constantFrom(1, 10, 32, 64, 89, 190, 416, 458, 463, 999), { maxLength: 2 });

  it.each(all.map((rules) => [rules.name, rules] as const))(
    '%s: no answer, too many requests and trouble of its own never end anything',
    (_, rules) => {
      const property = fc.property(statuses, words, codes, (status, error, numbers) => {
        expect(verdictOf(rules, { status, error, codes: numbers })).toBe(TRANSIENT);
      });
      fc.assert(property);
    },
  );

  it.each(all.map((rules) => [rules.name, rules] as const))(
    '%s: a word or number that is not known never ends a credential and never opens a circuit',
    (_, rules) => {
      const unknown = fc.record({
        status: fc.constantFrom(200, 302, 400, 401, 403, 404),
        error: fc.string({ minLength: 1 }).map((text) => `zz ${text}`),
        codes: fc.array(fc.integer({ min: 10_000 }), { maxLength: 2 }),
      });
      const property = fc.property(unknown, (failure) => {
        expect([TRANSIENT, REQUEST]).toContain(verdictOf(rules, failure));
      });
      fc.assert(property);
    },
  );
});

describe('who is meant', () => {
  it("Google's two spellings of its issuer name one user", () => {
    const claims = { sub: '1', aud: 'a' };
    const long = google.subjectOf({ ...claims, iss: 'https://accounts.google.com' });
    expect(google.subjectOf({ ...claims, iss: 'accounts.google.com' })).toEqual(long);
    expect(long).toEqual({ provider: 'google', tenant: 'https://accounts.google.com', id: '1' });
  });

  it('without issuer or subject it is nobody', () => {
    for (const claims of [{ sub: '1' }, { iss: 'https://a.test' }, { iss: 'https://a.test', sub: '' }]) {
      expect(custom.subjectOf(claims)).toBeUndefined();
      expect(google.subjectOf(claims)).toBeUndefined();
    }
  });

  it("an access token for the app, and another app's ID token, are no ID token", () => {
    expect(custom.isIdToken({ sub: '1' }, 'us')).toBe(true);
    expect(custom.isIdToken({ sub: '1', azp: 'us' }, 'us')).toBe(true);
    expect(custom.isIdToken({ sub: '1', azp: 'them' }, 'us')).toBe(false);
    expect(custom.isIdToken({ sub: '1', scope: 'a' }, 'us')).toBe(false);
    expect(custom.isIdToken({ sub: '1', scp: ['a'] }, 'us')).toBe(false);
  });
});

describe('scopes', () => {
  it('Google answers with long names; policy may use the short ones', () => {
    const answer =
      'openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/drive';
    expect(google.grantedScope(answer, undefined)).toEqual([
      'email',
      'https://www.googleapis.com/auth/drive',
    ]);
  });

  it('a refresh asks for what is wanted and the ID token; for the bare credential a custom provider is asked for nothing less than all', () => {
    expect(google.requestScope('https://r.test', ['a'])).toBe('openid a');
    expect(google.requestScope(undefined, [])).toBe('openid');
    expect(custom.requestScope('https://r.test', ['a', 'b'])).toBe('openid a b');
    expect(custom.requestScope(undefined, [])).toBe('');
  });

  it('lists by commas are read', () => {
    expect(github.grantedScope('repo, user:email,gist', undefined)).toEqual(['gist', 'repo', 'user:email']);
  });
});
