import type { Answer, Asked, TestBroker } from './broker.js';
import { NIGHTLY, PUBLIC } from './broker.js';
import { ORDERS, someone } from './samples.js';

export interface Session {
  readonly oid: string;
  readonly headers: Readonly<Record<string, string>>;
}

export const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const GRANT_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:refresh_token';
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

/** `X-MS-CLIENT-PRINCIPAL` as App Service writes it. */
export function principalOf(oid: string, more: Readonly<Record<string, unknown>> = {}): string {
  const document = {
    auth_typ: 'aad',
    claims: [{ typ: 'oid', val: oid }],
    name_typ: 'name',
    role_typ: 'roles',
    ...more,
  };
  return Buffer.from(JSON.stringify(document)).toString('base64');
}

/** The headers Easy Auth sends along for a signed-in user. */
export async function signIn(
  test: TestBroker,
  oid = someone('user').id,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<Session> {
  return {
    oid,
    headers: {
      'x-ms-client-principal': principalOf(oid),
      'x-ms-client-principal-id': oid,
      'x-ms-client-principal-idp': 'aad',
      'x-ms-client-principal-name': `${oid}@contoso.test`,
      'x-ms-token-aad-id-token': await test.entra.idToken(oid, test.time.now, claims),
      'x-ms-token-aad-refresh-token': `rt.${oid}.0`,
    },
  };
}

export function postJson(
  session: Session,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Asked {
  return {
    method: 'POST',
    headers: { ...session.headers, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}

export interface GrantAsked {
  readonly client_id?: string;
  readonly resource?: string;
  readonly scope?: string;
  readonly expires_in?: number;
}

/** A user's grant to a client, through the front door. */
export async function grantTo(test: TestBroker, asked: GrantAsked = {}, session?: Session): Promise<string> {
  const user = session ?? (await signIn(test));
  const preset = { client_id: NIGHTLY.id, resource: ORDERS, scope: 'orders.read orders.write' };
  const answer = await test.call('createGrant', postJson(user, { ...preset, ...asked }));
  if (answer.status !== 201) throw new Error(`no grant: ${answer.status} ${answer.text}`);
  return String(answer.body.grant_id);
}

/** `Authorization: Basic` with both halves form-encoded (RFC 6749 §2.3.1). */
export function basic(id: string, secret: string): Readonly<Record<string, string>> {
  const part = (text: string) => encodeURIComponent(text).replaceAll('%20', '+');
  return { authorization: `Basic ${Buffer.from(`${part(id)}:${part(secret)}`).toString('base64')}` };
}

export type Form = Readonly<Record<string, string | undefined>>;

export function formText(form: Form): string {
  const given = Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new URLSearchParams(given).toString();
}

/** `POST /token` as nightly-report, with the parts of the form that matter; undefined leaves a parameter out. */
export function tokenCall(
  test: TestBroker,
  form: Form | string,
  headers: Readonly<Record<string, string>> = basic(NIGHTLY.id, NIGHTLY.secret),
): Promise<Answer> {
  return test.call('token', {
    method: 'POST',
    url: `${PUBLIC}/token`,
    headers: { ...FORM, ...headers },
    body: typeof form === 'string' ? form : formText(form),
  });
}

/** The form of the refresh_token grant for a grant id. */
export function refreshForm(grantId: string, more: Form = {}): Form {
  return { grant_type: 'refresh_token', refresh_token: grantId, resource: ORDERS, ...more };
}

/** The form of a token exchange for a grant id. */
export function exchangeForm(grantId: string, more: Form = {}): Form {
  return {
    grant_type: TOKEN_EXCHANGE,
    subject_token: grantId,
    subject_token_type: GRANT_TOKEN_TYPE,
    resource: ORDERS,
    ...more,
  };
}
