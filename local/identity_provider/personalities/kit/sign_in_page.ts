import type { Personality, SocialApp } from '../../directory/social.js';
import { escapeHtml, htmlReply } from '../../http/html.js';
import type { Reply } from '../../http/reply.js';
import type { Account } from './people.js';

const NAMES: Readonly<Record<Personality, string>> = {
  google: 'Google',
  facebook: 'Facebook',
  twitter: 'X (OAuth 1.0a)',
  x2: 'X (OAuth 2.0)',
  github: 'GitHub',
  apple: 'Apple',
};

export type SignInPage = Readonly<{
  app: SocialApp;
  accounts: readonly Account[];
  scopes: readonly string[];
  /** Whether each scope can be left out. */
  granular: boolean;
  transaction: string;
  /** The app named an account that is not here. */
  unknownHint: boolean;
}>;

function userButton({ user, handle, email }: Account): string {
  return `<li><button type="submit" name="user" value="${escapeHtml(user.oid)}">${escapeHtml(user.name)}<small>${escapeHtml(email)} · ${escapeHtml(handle)}</small></button></li>`;
}

function scopeItem(scope: string, granular: boolean): string {
  const name = escapeHtml(scope);
  if (!granular) return `<li><strong>${name}</strong></li>`;
  return `<li><label><input type="checkbox" name="allow" value="${name}" checked> ${name}</label></li>`;
}

/** The sign-in page: who, and what the app asks for. No password: this provider is for one machine. */
export function signInPage({ app, accounts, scopes, granular, transaction, unknownHint }: SignInPage): Reply {
  const note = unknownHint
    ? '<p class="note" role="status">The account named by the app is not in this directory.</p>'
    : '';
  const asked = scopes.map((scope) => scopeItem(scope, granular)).join('');
  const asks =
    asked === '' ? '' : `<h2 id="asks">The app asks for</h2><ul aria-labelledby="asks">${asked}</ul>`;
  const main = `<h1>Sign in with ${NAMES[app.personality]}</h1>
<p>to continue to <strong>${escapeHtml(app.name ?? app.client_id)}</strong></p>${note}
<form method="post" action="/${app.personality}/sign_in"><input type="hidden" name="transaction" value="${escapeHtml(transaction)}">
${asks}<h2 id="who">Pick an account</h2><ul aria-labelledby="who">${accounts.map(userButton).join('')}</ul>
<p><small>Picking an account lets the app have what it asks for.</small></p>
<button class="plain" type="submit" name="cancel" value="1">Cancel</button></form>`;
  return htmlReply({ title: `Sign in with ${NAMES[app.personality]}`, main });
}

/** A refusal that cannot be sent anywhere, shown to the user. */
export function problemPage(title: string, detail: string, status = 400): Reply {
  return htmlReply({ title, main: `<h1>${escapeHtml(title)}</h1><p>${escapeHtml(detail)}</p>`, status });
}
