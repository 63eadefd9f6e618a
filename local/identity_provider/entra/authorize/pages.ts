import type { Core } from '../../core.js';
import type { User } from '../../directory/types.js';
import { escapeHtml, htmlReply } from '../../http/html.js';
import type { Reply } from '../../http/reply.js';
import { describe, type ErrorContext, type ErrorFacts, errorTime } from '../errors.js';
import type { AuthorizeRequest } from './request.js';
import { visibleUser } from './sign_in.js';

/** What every page of a sign-in needs: where to post, and the sealed request it carries along. */
export type PageFrame = Readonly<{ request: AuthorizeRequest; transaction: string }>;

function form({ request, transaction }: PageFrame, inner: string): string {
  const action = `/${encodeURIComponent(request.path.segment)}/oauth2/v2.0/signin`;
  return `<form method="post" action="${escapeHtml(action)}">
<input type="hidden" name="transaction" value="${escapeHtml(transaction)}">${inner}
<button class="plain" type="submit" name="cancel" value="1">Cancel</button></form>`;
}

function permissions({ scopes }: AuthorizeRequest): string {
  const named = scopes.resources.flatMap(({ resource, names, all }) => {
    const list = all ? ['all that is set up for it'] : names;
    return list.map((name) => `<li>${escapeHtml(resource.name)}: <strong>${escapeHtml(name)}</strong></li>`);
  });
  const oidc = [...scopes.oidc].map((scope) => `<li><strong>${escapeHtml(scope)}</strong></li>`);
  return [...named, ...oidc].join('');
}

function userButton({ name, upn, oid }: User): string {
  return `<li><button type="submit" name="user" value="${escapeHtml(oid)}">${escapeHtml(name)}<small>${escapeHtml(upn)}</small></button></li>`;
}

/** The sign-in page: the users of the tenant, and what the app asks for. No password: this provider is for one machine. */
export function choosePage(core: Core, frame: PageFrame): Reply {
  const { request } = frame;
  const users = core.directory
    .usersOf(request.path.tenant?.tid)
    .filter((user) => visibleUser(core, request, user));
  const unknownHint = request.loginHint !== undefined && !request.prompt.has('select_account');
  const hinted = unknownHint && core.directory.userByHint(request.loginHint ?? '') === undefined;
  const note = hinted
    ? '<p class="note" role="status">The account named by the app is not in this directory.</p>'
    : '';
  const main = `<h1>Sign in</h1><p>to continue to <strong>${escapeHtml(request.client.name)}</strong></p>${note}
${form(frame, `<h2 id="who">Pick an account</h2><ul aria-labelledby="who">${users.map(userButton).join('')}</ul>`)}
<h2 id="asks">The app asks for</h2><ul aria-labelledby="asks">${permissions(request)}</ul>
<p><small>Picking an account lets the app have these.</small></p>`;
  return htmlReply({ title: 'Sign in', main });
}

/** Asks for the second factor. */
export function mfaPage(frame: PageFrame, user: User): Reply {
  const main = `<h1>Approve sign in</h1><p>Signing in as <strong>${escapeHtml(user.upn)}</strong>.
Your organisation asks for a second factor.</p>${form(frame, '<button type="submit" name="approve" value="1">Approve</button>')}`;
  return htmlReply({ title: 'Approve sign in', main });
}

/** Asks whether the app may have what it asks for. */
export function consentPage(frame: PageFrame, user: User): Reply {
  const { request } = frame;
  const main = `<h1>Permissions requested</h1><p><strong>${escapeHtml(request.client.name)}</strong> asks
<strong>${escapeHtml(user.upn)}</strong> for</p><ul>${permissions(request)}</ul>
${form(frame, '<button type="submit" name="accept" value="1">Accept</button>')}`;
  return htmlReply({ title: 'Permissions requested', main });
}

/** Shows a refusal that cannot be sent anywhere. */
export function errorPage(facts: ErrorFacts & { status: number }, context: ErrorContext): Reply {
  const main = `<h1>Sorry, but we’re having trouble signing you in</h1><p>${escapeHtml(describe(facts))}</p>
<p><small>Trace ID: <code>${context.traceId}</code><br>Correlation ID: <code>${escapeHtml(context.correlationId)}</code><br>
Timestamp: ${errorTime(context.now)}</small></p>`;
  return htmlReply({ title: 'Sign in failed', main, status: facts.status });
}
