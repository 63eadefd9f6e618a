import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { HttpRoute } from '../../../shared/compose.js';
import { hostileText } from '../support/arbitraries.js';
import { authorizeForm, formOf, newVerifier, obtainCode, sentTo, visit } from '../support/authorizing.js';
import { type Answer, CALLBACK, NIGHTLY, PUBLIC, withBroker } from '../support/broker.js';
import {
  basic,
  exchangeForm,
  type Form,
  formText,
  grantTo,
  refreshForm,
  type Session,
  signIn,
  tokenCall,
} from '../support/calls.js';
import { CANARY, type Mutant, mutants, neighbours, type Pairs } from '../support/mutations.js';
import { expectError } from '../support/oauth_errors.js';
import { GRAPH } from '../support/samples.js';

const test = withBroker();
const CHALLENGE = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}';
let grantId = '';
let mailGrant = '';
let alice: Session;
const bases: Pairs[] = [];
const tokens: Pairs[] = [];

const pairsOf = (form: Form): Pairs =>
  Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined);

beforeAll(async () => {
  alice = await signIn(test);
  grantId = await grantTo(test, {}, alice);
  mailGrant = await grantTo(test, { resource: GRAPH, scope: 'Mail.Read' }, alice);
  const { body } = await tokenCall(test, refreshForm(grantId));
  const { code, verifier } = await obtainCode(test, {}, alice);
  const own = {
    subject_token: body.access_token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  };
  const redeeming = {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: CALLBACK,
  };
  bases.push(
    pairsOf(refreshForm(grantId, { scope: 'orders.read', min_ttl: '60' })),
    pairsOf(refreshForm(mailGrant, { resource: GRAPH, claims: CHALLENGE })),
    pairsOf(exchangeForm(grantId, { requested_token_type: own.subject_token_type })),
    pairsOf(exchangeForm(grantId, own)),
    pairsOf(redeeming),
    pairsOf({ ...redeeming, code: `020000.${'x'.repeat(43)}` }),
  );
  tokens.push(
    [
      ['token', grantId],
      ['token_type_hint', 'refresh_token'],
    ],
    [
      ['token', body.access_token],
      ['token_type_hint', 'access_token'],
    ],
  );
});

const CODES = {
  400: /^(invalid_request|invalid_grant|invalid_scope|invalid_target|unsupported_grant_type|unauthorized_client|interaction_required|invalid_dpop_proof|use_dpop_nonce)$/,
  401: /^invalid_client$/,
  405: /^invalid_request$/,
  413: /^invalid_request$/,
  415: /^invalid_request$/,
};

/** RFC 6749 §5.2 to the letter, and nothing of the request in it. */
function expectOAuth(answer: Answer): void {
  expect(answer.text).not.toContain(CANARY);
  expect(JSON.stringify(answer.headers)).not.toContain(CANARY);
  expect(answer.headers['cache-control']).toBe('no-store');
  if (answer.status === 200) return;
  const codes = CODES[answer.status as keyof typeof CODES];
  expect(codes, `status ${answer.status}`).toBeDefined();
  expect(answer.body.error).toMatch(codes);
  expect(answer.body.error_description).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
}

function send(route: HttpRoute, { body, headers }: Mutant): Promise<Answer> {
  const url = `${PUBLIC}/${route}`;
  return test.call(route, {
    method: 'POST',
    url,
    headers: { ...basic(NIGHTLY.id, NIGHTLY.secret), ...headers },
    body,
  });
}

describe('a request a few steps away from a valid one is answered to the letter and repeats nothing', () => {
  it('at /token, for every grant type', async () => {
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(mutants(bases), async (mutant) => {
        const answer = await send('token', mutant);
        expectOAuth(answer);
        if (answer.status === 200) passed++;
      }),
      { numRuns: 300 },
    );
    // Some get through: the mutants are near enough to reach every phase.
    expect(passed).toBeGreaterThan(10);
  });

  it('at /token, each parameter by itself', async () => {
    for (const mutant of bases.flatMap(neighbours)) expectOAuth(await send('token', mutant));
  });

  it.each(['revoke', 'introspect'] as const)('at /%s', async (route) => {
    for (const mutant of tokens.flatMap(neighbours)) expectOAuth(await send(route, mutant));
    await fc.assert(
      fc.asyncProperty(mutants(tokens), async (mutant) => expectOAuth(await send(route, mutant))),
      { numRuns: 80 },
    );
  });

  it('whatever the Authorization header says', async () => {
    const printable = fc.string({ unit: fc.constantFrom(...'abcZ019+/=:., -_~"\\%'), maxLength: 60 });
    const scheme = fc.constantFrom('Basic ', 'Bearer ', 'basic  ', 'DPoP ', '', 'Negotiate ');
    await fc.assert(
      fc.asyncProperty(scheme, printable, async (prefix, text) => {
        const authorization = `${prefix}${text}`.trim();
        const headers: Record<string, string> = authorization === '' ? {} : { authorization };
        expectError(await tokenCall(test, refreshForm(grantId), headers), 'invalid_client', 401);
      }),
      { numRuns: 80 },
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
});

describe('/authorize, a few steps away from a valid request', () => {
  const verifier = newVerifier();
  const asked = (more: Form = {}): Pairs => pairsOf(authorizeForm(verifier, { state: 's', ...more }));
  const questions = [
    asked(),
    asked({ resource: GRAPH, scope: 'Mail.Read', claims: CHALLENGE }),
    asked({ scope: undefined, expires_in: '60' }),
  ];
  const registered = [CALLBACK, 'http://localhost:4000/cb'];

  /** A page that is safe to show, or a way to sign in, or an answer to an address that policy names. */
  function expectHarmless(answer: Answer): void {
    expect(answer.headers['cache-control']).toBe('no-store');
    if (answer.status !== 303) {
      expect([200, 400, 403, 405, 413, 415]).toContain(answer.status);
      expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
      expect(answer.text).not.toMatch(new RegExp(`<[^>]*<|<${CANARY}|<script`));
      return;
    }
    const location = answer.headers.location ?? '';
    const home = location.startsWith('/.auth/login/aad?');
    expect(home || registered.some((uri) => location.startsWith(uri))).toBe(true);
    expect(location).toMatch(/^[\x21-\x7e]+$/);
    expect(sentTo(answer).parameters.code).toBeUndefined();
  }

  it('shows a page or sends home, never elsewhere, and never with a code', async () => {
    await fc.assert(
      fc.asyncProperty(mutants(questions), fc.boolean(), async ({ body }, signedIn) => {
        // As a browser writes an address.
        const query = new URL(`?${body.slice(0, 8000)}`, PUBLIC).search.slice(1);
        expectHarmless(await visit(test, query, signedIn ? alice.headers : {}));
      }),
      { numRuns: 150 },
    );
  });

  it('an answer that is not the one of the page gives no code', async () => {
    const page = await visit(test, formText(authorizeForm(verifier)), alice.headers);
    const { action, ticket } = formOf(page);
    const answers: Pairs[] = [
      [
        ['ticket', `${ticket}x`],
        ['decision', 'allow'],
      ],
      [
        ['ticket', ticket],
        ['decision', 'x'],
      ],
    ];
    await fc.assert(
      fc.asyncProperty(mutants(answers), async ({ body, headers }) => {
        const form = { ...headers, ...alice.headers };
        expectHarmless(
          await test.call('authorize', { method: 'POST', url: `${PUBLIC}${action}`, headers: form, body }),
        );
      }),
      { numRuns: 80 },
    );
  });
});
