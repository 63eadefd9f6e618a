import type { HttpResponseInit } from '@azure/functions';
import type { AuthorizationRequest } from '../../flows/authorization_request.js';
import { htmlText, page } from './page.js';

export interface ConsentPage {
  readonly request: AuthorizationRequest;
  /** Who is asked, in words they know themselves by. */
  readonly user: string;
  /** ms */
  readonly until: number;
  /** Where the form goes: the request itself. */
  readonly action: string;
  readonly ticket: string;
}

/** Asks the user whether a client may act for them. */
export function consentPage({ request, user, until, action, ticket }: ConsentPage): HttpResponseInit {
  const { client, resource, scope, redirectUri } = request;
  const name = htmlText(client.name);
  const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(until);
  const main = `<h1>May <strong>${name}</strong> act for you?</h1>
<p>You are signed in as <strong>${htmlText(user)}</strong>. If you allow it, ${name} can do this without you being there:</p>
<dl>
<dt>At</dt><dd>${htmlText(resource)}</dd>
<dt>With these permissions</dt><dd><ul>${scope.map((token) => `<li>${htmlText(token)}</li>`).join('')}</ul></dd>
<dt>Until</dt><dd><time datetime="${new Date(until).toISOString()}">${htmlText(day)}</time>, or until you take it back</dd>
</dl>
<form method="post" action="${htmlText(action)}">
<input type="hidden" name="ticket" value="${htmlText(ticket)}">
<button class="main" type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny">Deny</button>
</form>
<p><small>Either way you go back to ${htmlText(new URL(redirectUri).host)}.</small></p>`;
  return page(`Allow ${client.name}?`, main);
}
