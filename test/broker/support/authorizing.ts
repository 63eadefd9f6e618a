import { createHash, randomBytes } from 'node:crypto';
import { type Answer, CALLBACK, NIGHTLY, PUBLIC, type TestBroker } from './broker.js';
import { FORM, type Form, formText, type Session, signIn, tokenCall } from './calls.js';
import { ORDERS } from './samples.js';

export const STATE = 'state of the client';

export function newVerifier(): string {
  return randomBytes(32).toString('base64url');
}

export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

/** What nightly-report asks its user's browser to open; undefined leaves a parameter out. */
export function authorizeForm(verifier: string, more: Form = {}): Form {
  return {
    response_type: 'code',
    client_id: NIGHTLY.id,
    redirect_uri: CALLBACK,
    resource: ORDERS,
    scope: 'orders.read',
    state: STATE,
    code_challenge: challengeOf(verifier),
    code_challenge_method: 'S256',
    ...more,
  };
}

export function visit(test: TestBroker, query: string, headers: Session['headers'] = {}): Promise<Answer> {
  return test.call('authorize', { url: `${PUBLIC}/authorize?${query}`, headers });
}

/** The address and the ticket of the form on a consent page. */
export function formOf(page: Answer): { action: string; ticket: string } {
  const unescaped = (text = '') => text.replaceAll('&amp;', '&').replaceAll('&#39;', "'");
  return {
    action: unescaped(/action="([^"]*)"/.exec(page.text)?.[1]),
    ticket: unescaped(/name="ticket" value="([^"]*)"/.exec(page.text)?.[1]),
  };
}

/** What the user's browser sends when they press a button of the page. */
export function press(
  test: TestBroker,
  session: Session,
  { action, ticket }: { action: string; ticket: string },
  decision = 'allow',
): Promise<Answer> {
  return test.call('authorize', {
    method: 'POST',
    url: `${PUBLIC}${action}`,
    headers: { ...FORM, origin: PUBLIC, 'sec-fetch-site': 'same-origin', ...session.headers },
    body: formText({ ticket, decision }),
  });
}

/** Where a browser is sent, and with what. */
export function sentTo(answer: Answer): { to: string; parameters: Record<string, string> } {
  const location = answer.headers.location ?? '';
  const [to = '', query = ''] = location.split('?');
  return { to, parameters: Object.fromEntries(new URLSearchParams(query)) };
}

/** A user who allows what is asked: the code, and what it takes to redeem it. */
export async function obtainCode(
  test: TestBroker,
  more: Form = {},
  given?: Session,
): Promise<{ code: string; verifier: string }> {
  const verifier = newVerifier();
  const session = given ?? (await signIn(test));
  const page = await visit(test, formText(authorizeForm(verifier, more)), session.headers);
  if (page.status !== 200) throw new Error(`no page: ${page.status} ${page.headers.location}`);
  const { code } = sentTo(await press(test, session, formOf(page))).parameters;
  if (code === undefined) throw new Error('no code');
  return { code, verifier };
}

export function redeem(
  test: TestBroker,
  { code, verifier }: { code: string; verifier: string },
  more: Form = {},
  headers?: Readonly<Record<string, string>>,
): Promise<Answer> {
  const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: CALLBACK };
  return tokenCall(test, { ...form, ...more }, headers);
}
