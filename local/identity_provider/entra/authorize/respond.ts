import { randomUUID } from 'node:crypto';
import type { Core } from '../../core.js';
import type { User } from '../../directory/types.js';
import { escapeHtml, htmlReply } from '../../http/html.js';
import { type Reply, redirectReply } from '../../http/reply.js';
import { issueTime } from '../../knobs.js';
import { type ErrorContext, type ErrorFacts, errorBody } from '../errors.js';
import { issueIdToken } from '../issue.js';
import type { CodeGrant, SessionGrant } from '../sealed_grants.js';
import type { AuthorizeRequest, Target } from './request.js';

type Fields = Readonly<Record<string, string | undefined>>;

function formPost(redirect: string, fields: URLSearchParams): Reply {
  const inputs = [...fields].map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  const main = `<h1>Signing you in</h1><form method="post" action="${escapeHtml(redirect)}">${inputs.join('')}
<noscript><p>Scripts are off, so press the button to go on.</p></noscript><button type="submit">Continue</button></form>`;
  return htmlReply({ title: 'Working…', main, script: 'document.forms[0].submit()' });
}

/** Sends fields to the client in the mode it asked for (OAuth 2.0 Form Post Response Mode; RFC 6749 §4.1.2). */
export function sendToClient({ redirect, mode, state }: Omit<Target, 'client'>, fields: Fields): Reply {
  const values = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...fields, state }))
    if (value !== undefined) values.set(name, value);
  if (mode === 'form_post') return formPost(redirect, values);
  if (mode === 'fragment') return redirectReply(`${redirect}#${values}`);
  return redirectReply(`${redirect}${redirect.includes('?') ? '&' : '?'}${values}`);
}

/** Sends a refusal to the client. */
export function sendError(target: Target, facts: ErrorFacts, context: ErrorContext): Reply {
  const {
    error,
    error_description: description,
    error_uri: uri,
    suberror,
    claims,
  } = errorBody(facts, context);
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  return sendToClient(target, {
    error: text(error),
    error_description: text(description),
    error_uri: text(uri),
    ...(facts.code === 65004 ? { error_subcode: 'cancel' } : {}),
    suberror: text(suberror),
    claims: text(claims),
  });
}

function sealCode(core: Core, request: AuthorizeRequest, signIn: SessionGrant): string {
  const { nonce, challenge, method, redirect, scope, client, maxAge } = request;
  const code: CodeGrant = {
    id: randomUUID(),
    client: client.app_id,
    oid: signIn.oid,
    tid: signIn.tid,
    issued: issueTime(core.store.knobs(signIn.oid), core.now()),
    redirect,
    scope,
    ...(nonce === undefined ? {} : { nonce }),
    ...(challenge === undefined ? {} : { challenge }),
    ...(method === undefined ? {} : { method }),
    withAuthTime: maxAge !== undefined,
    authTime: signIn.authTime,
    mfa: signIn.mfa,
    sid: signIn.sid,
  };
  return core.sealer.seal('code', code);
}

/** Sends the client its code, its ID token, or both bound together by `c_hash`. */
export async function sendAnswer(
  core: Core,
  request: AuthorizeRequest,
  { signIn, user }: Readonly<{ signIn: SessionGrant; user: User }>,
): Promise<Reply> {
  const { client, type, nonce, maxAge, scopes, clientInfo } = request;
  const code = type === 'id_token' ? undefined : sealCode(core, request, signIn);
  const idToken =
    type === 'code'
      ? undefined
      : await issueIdToken(core, {
          user,
          client,
          oidc: scopes.oidc,
          authn: signIn,
          nonce,
          code,
          withAuthTime: maxAge !== undefined,
        });
  const info = Buffer.from(JSON.stringify({ uid: user.oid, utid: user.tid })).toString('base64url');
  return sendToClient(request, {
    code,
    id_token: idToken,
    session_state: signIn.sid,
    client_info: clientInfo ? info : undefined,
  });
}
