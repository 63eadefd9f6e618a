import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addFailure,
  type Failure,
  type ProviderFailure,
  type Verdict,
} from '../../../shared/domain/refresh_result.js';
import { aad } from '../../../shared/providers/aad.js';

const NOW = 1_800_000_000_000;

function failed(error: string, code?: number, more: Partial<ProviderFailure> = {}): ProviderFailure {
  return { status: 400, error, codes: code === undefined ? [] : [code], ...more };
}

const classOf = (failure: ProviderFailure, previous?: Failure) => aad.classify(failure, previous);

function repeated(failure: ProviderFailure, times = 1): Failure {
  let known: Failure | undefined;
  for (let count = 0; count < times; count++) {
    known = addFailure(known, failure, classOf(failure, known), { now: NOW, seed: 's' });
  }
  if (!known) throw new Error('no failure was added');
  return known;
}

const TRANSIENT: Verdict = { class: 'transient' };
const USER: Verdict = { class: 'user_action_required' };
const DEAD: Verdict = { class: 'grant_dead' };
const REGISTRATION: Verdict = { class: 'broker_misconfigured', opensCircuit: true };
const REQUEST: Verdict = { class: 'broker_misconfigured' };

describe('transport comes first', () => {
  it.each([0, 408, 429, 500, 502, 503, 504, 599])(
    'status %i is transient whatever the body says',
    (status) => {
      for (const error of ['invalid_grant', 'invalid_client', 'unreadable_answer']) {
        expect(classOf(failed(error, 50173, { status, suberror: 'bad_token' }))).toEqual(TRANSIENT);
      }
    },
  );

  it.each([50087, 50088, 50033, 90006, 90012, 90024, 90033, 90090, 81016, 90055])(
    '%i is transient, also where it comes as invalid_grant',
    (code) => {
      expect(classOf(failed('temporarily_unavailable', code))).toEqual(TRANSIENT);
      expect(classOf(failed('invalid_grant', code))).toEqual(TRANSIENT);
    },
  );

  it.each([90036, 90092])('server_error %i is transient', (code) => {
    expect(classOf(failed('server_error', code))).toEqual(TRANSIENT);
  });

  it('an answer nobody can read is transient', () => {
    for (const status of [200, 302, 400, 401, 404]) {
      expect(classOf(failed('unreadable_answer', undefined, { status }))).toEqual(TRANSIENT);
    }
  });

  it('50196 (loop) backs off for at least five minutes, under either error', () => {
    for (const error of ['invalid_grant', 'temporarily_unavailable']) {
      expect(classOf(failed(error, 50196))).toEqual({ class: 'transient', waitSeconds: 300 });
    }
    expect(classOf(failed('invalid_grant', 50196, { status: 429 }))).toEqual({
      class: 'transient',
      waitSeconds: 300,
    });
  });
});

describe('what is wrong with us never counts against a user', () => {
  it.each([
    ['invalid_client', 7000215, 401],
    ['invalid_client', 7000218, 401],
    ['invalid_client', 7000222, 401],
    ['invalid_client', 70002, 401],
    ['invalid_client', 700024, 401],
    ['invalid_client', 700027, 401],
    ['invalid_client', 65005, 400],
    ['invalid_client', 650052, 400],
    ['invalid_client', 650057, 400],
    ['unauthorized_client', 70001, 400],
    ['unauthorized_client', 700016, 400],
    ['unauthorized_client', 700011, 400],
    ['unauthorized_client', 7000112, 400],
    ['invalid_grant', 700016, 400],
    ['invalid_request', 7000218, 400],
  ])('%s %i opens the circuit', (error, code, status) => {
    expect(classOf(failed(error, code, { status }))).toEqual(REGISTRATION);
  });

  it.each([
    ['invalid_resource', 500011],
    ['invalid_resource', 50001],
    ['invalid_resource', 650053],
    ['invalid_scope', 70011],
    ['invalid_scope', 700022],
    ['invalid_scope', 28002],
    ['invalid_scope', 1002012],
    ['invalid_request', 90002],
    ['invalid_request', 9001023],
    ['invalid_request', 90124],
    ['invalid_request', 90130],
    ['unsupported_grant_type', 70003],
  ])('%s %i concerns that request alone: no circuit, no user', (error, code) => {
    expect(classOf(failed(error, code))).toEqual(REQUEST);
  });

  it('50105 (user not assigned) and client_mismatch are for an administrator, and open no circuit', () => {
    expect(classOf(failed('invalid_grant', 50105))).toEqual(REQUEST);
    expect(classOf(failed('invalid_grant', 70000, { suberror: 'client_mismatch' }))).toEqual(REQUEST);
  });
});

describe('what the user has to mend keeps the credential', () => {
  it.each(['interaction_required', 'login_required', 'consent_required', 'access_denied'])('%s', (error) => {
    expect(classOf(failed(error, 50076))).toEqual(USER);
  });

  it.each([
    [50076, 'basic_action'],
    [50078, 'additional_action'],
    [53003, 'message_only'],
    [65001, 'consent_required'],
    [50055, 'user_password_expired'],
    [50144, 'user_password_expired'],
    [53005, 'protection_policy_required'],
  ])('invalid_grant %i/%s', (code, suberror) => {
    expect(classOf(failed('invalid_grant', code, { suberror }))).toEqual(USER);
  });

  it('a claims challenge, whatever the code', () => {
    expect(classOf(failed('invalid_grant', 50173, { claims: '{}' }))).toEqual(USER);
  });

  const known = [
    ...[50020, 50053, 50055, 50072, 50074, 50076, 50078, 50079, 50085, 50089, 50132, 50133, 50097, 50129],
    ...[50155, 50187, 50125, 50131, 50158, 50144, 53000, 53001, 53002, 53004, 53003, 530031, 530032, 530034],
    ...[530035, 530084, 53011, 65001, 90094, 90095],
  ];
  it.each(known)('invalid_grant %i without a suberror never dies of being repeated', (code) => {
    const failure = failed('invalid_grant', code);
    expect(classOf(failure)).toEqual(USER);
    expect(classOf(failure, repeated(failure, 30))).toEqual(USER);
  });

  it('50057 (account disabled) is looked at daily: it may be enabled again', () => {
    expect(classOf(failed('invalid_grant', 50057))).toEqual({ ...USER, waitSeconds: 86_400 });
  });

  it('any other invalid_grant: after 1 h, 6 h and 24 h it is dead, and not before', () => {
    const failure = failed('invalid_grant', 50013);
    expect(classOf(failure)).toEqual(USER);
    expect(classOf(failure, repeated(failure, 1))).toEqual(USER);
    expect(classOf(failure, repeated(failure, 2))).toEqual(USER);
    expect(classOf(failure, repeated(failure, 3))).toEqual(DEAD);
    expect(classOf(failed('invalid_grant'), repeated(failed('invalid_grant'), 3))).toEqual(DEAD);
  });

  it('an outage in between does not count as one of those tries', () => {
    const failure = failed('invalid_grant');
    expect(classOf(failure, repeated(failed('x', undefined, { status: 503 }), 9))).toEqual(USER);
  });
});

describe('what is dead', () => {
  it.each([50034, 50173, 70008, 700082, 700084, 70043, 500341])('invalid_grant %i', (code) => {
    expect(classOf(failed('invalid_grant', code))).toEqual(DEAD);
  });

  it.each(['bad_token', 'token_expired'])('invalid_grant/%s', (suberror) => {
    expect(classOf(failed('invalid_grant', undefined, { suberror }))).toEqual(DEAD);
  });

  it.each([
    ['invalid_grant', 70000],
    ['invalid_grant', 9002313],
    ['invalid_request', 9002313],
  ])('%s %i only when it comes back ten minutes later', (error, code) => {
    const failure = failed(error, code, { suberror: 'bad_token' });
    expect(classOf(failure)).toEqual({ class: 'transient', waitSeconds: 600 });
    const first = repeated(failure);
    expect((first.nextAttemptAt ?? 0) - NOW).toBeGreaterThanOrEqual(600_000);
    expect(classOf(failure, first)).toEqual(DEAD);
  });
});

describe('classification as a whole', () => {
  it('only invalid_grant, or a repeated malformed-token code, can ever kill', () => {
    const anything = fc.record({
      status: fc.constantFrom(0, 200, 302, 400, 401, 403, 429, 500, 503),
      error: fc.constantFrom(
        'invalid_client',
        'invalid_scope',
        'interaction_required',
        'server_error',
        'x',
        'slow_down',
      ),
      codes: fc.array(fc.constantFrom(50173, 70008, 700082, 50034, 0, -1), { maxLength: 3 }),
      suberror: fc.constantFrom('bad_token', 'token_expired', 'x'),
    });
    fc.assert(
      fc.property(anything, (failure) => {
        expect(classOf(failure).class).not.toBe('grant_dead');
      }),
    );
  });

  it('the answer is always one of the four classes', () => {
    const anything = fc.record({
      status: fc.integer({ min: 0, max: 999 }),
      error: fc.string(),
      codes: fc.array(fc.integer(), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(anything, (failure) => {
        const classes = ['transient', 'user_action_required', 'grant_dead', 'broker_misconfigured'];
        expect(classes).toContain(classOf(failure).class);
      }),
    );
  });
});

describe('Entra scopes and subjects', () => {
  const GRAPH = 'https://graph.microsoft.test';

  it('asks for each scope at its resource, and always for a successor and the identity', () => {
    expect(aad.requestScope(GRAPH, ['Mail.Read', 'User.Read'])).toBe(
      `${GRAPH}/Mail.Read ${GRAPH}/User.Read openid profile offline_access`,
    );
    expect(aad.requestScope(undefined, [])).toBe('openid profile offline_access');
  });

  it('reads the answer in the words of policy, bare or with the resource in front', () => {
    expect(aad.grantedScope(`${GRAPH}/Mail.Read User.Read openid email`, GRAPH)).toEqual([
      'Mail.Read',
      'User.Read',
    ]);
    expect(aad.grantedScope('  openid ', GRAPH)).toEqual([]);
  });

  it("another resource's scope stays foreign, so that it counts as wider", () => {
    expect(aad.grantedScope('https://other.test/Mail.Read', GRAPH)).toEqual(['https://other.test/Mail.Read']);
  });

  it('the user is (tid, oid): never sub, a name or an address', () => {
    const claims = { tid: 't', oid: 'o', sub: 's', email: 'e', upn: 'u' };
    expect(aad.subjectOf(claims)).toEqual({ provider: 'aad', tenant: 't', id: 'o' });
    for (const wrong of [
      { tid: 't', sub: 's' },
      { oid: 'o' },
      { tid: '', oid: 'o' },
      { tid: 't', oid: 5 },
      {},
    ]) {
      expect(aad.subjectOf(wrong)).toBeUndefined();
    }
  });
});
