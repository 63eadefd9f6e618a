import { randomUUID } from 'node:crypto';
import type { Core } from '../../core.js';
import type { User } from '../../directory/types.js';
import { issueTime } from '../../knobs.js';
import { missingConsent } from '../consents.js';
import { EntraError } from '../errors.js';
import type { SessionGrant } from '../sealed_grants.js';
import { mfaChallenge, needsMfa } from '../user_checks.js';
import type { AuthorizeRequest } from './request.js';

/** What is settled so far in one authorization: who signed in, and whether they agreed to what is asked. */
export type Progress = Readonly<{ signIn?: SessionGrant | undefined; consent: boolean }>;

/** What comes next: a page, or the answer. */
export type Step =
  | Readonly<{ page: 'choose' }>
  | Readonly<{ page: 'mfa' | 'consent'; signIn: SessionGrant; user: User }>
  | Readonly<{ page?: undefined; signIn: SessionGrant; user: User }>;

/** A fresh sign-in of a user, now. It includes a second factor only where the admin says every sign-in does. */
export function newSignIn(core: Core, user: User): SessionGrant {
  const knobs = core.store.knobs(user.oid);
  const issued = issueTime(knobs, core.now());
  const mfa = knobs.mfa === 'satisfied';
  return { oid: user.oid, tid: user.tid, sid: randomUUID(), authTime: issued, issued, mfa };
}

/** A user who may sign in at this tenant: in it, and not deleted. */
export function visibleUser(core: Core, request: AuthorizeRequest, user: User | undefined): User | undefined {
  const tenant = request.path.tenant;
  if (user === undefined || core.store.knobs(user.oid).deleted) return undefined;
  return tenant === undefined || tenant.tid === user.tid ? user : undefined;
}

function isFresh(core: Core, request: AuthorizeRequest, session: SessionGrant): boolean {
  const tooOld = request.maxAge !== undefined && core.now() - session.authTime > request.maxAge * 1000;
  return !request.prompt.has('login') && !tooOld;
}

function hintedUser(core: Core, request: AuthorizeRequest): User | undefined {
  const { loginHint } = request;
  return loginHint === undefined
    ? undefined
    : visibleUser(core, request, core.directory.userByHint(loginHint));
}

/** Decides who is signing in without asking, or that someone must be asked. */
function settleUser(
  core: Core,
  request: AuthorizeRequest,
  session: SessionGrant | undefined,
): SessionGrant | undefined {
  const { prompt, loginHint } = request;
  if (prompt.has('select_account')) return undefined;
  const hinted = hintedUser(core, request);
  const known = session && visibleUser(core, request, core.directory.userByOid(session.oid));
  const fits = known !== undefined && (loginHint === undefined || hinted?.oid === known.oid);
  if (fits && session !== undefined && isFresh(core, request, session)) return session;
  if (prompt.has('none')) throw new EntraError('noSession');
  return hinted === undefined ? undefined : newSignIn(core, hinted);
}

function checkAccount(core: Core, request: AuthorizeRequest, user: User): void {
  if (!core.store.knobs(user.oid).disabled) return;
  throw new EntraError(request.prompt.has('none') ? 'disabledAtAuthorize' : 'userDisabled');
}

/** Whether the user must still be shown what is asked. Naming the user by `login_hint` is taken as agreement. */
function mustAskConsent(core: Core, request: AuthorizeRequest, user: User): boolean {
  const { prompt, client } = request;
  if (prompt.has('consent')) return true;
  const missing = request.scopes.resources.some(
    (wanted) => missingConsent(core, { oid: user.oid, client, resource: wanted.resource }, wanted).length > 0,
  );
  if (missing && prompt.has('none')) {
    throw new EntraError('consentAtAuthorize', { client: client.app_id, name: client.name });
  }
  return missing && hintedUser(core, request)?.oid !== user.oid;
}

/**
 * Takes an authorization one step further. Order: who, account state, second factor, consent.
 * @throws EntraError for `prompt=none` that would need a page, and for a disabled account
 */
export function nextStep(
  core: Core,
  request: AuthorizeRequest,
  now: Progress & Readonly<{ session: SessionGrant | undefined }>,
): Step {
  const signIn = now.signIn ?? settleUser(core, request, now.session);
  const user = signIn && visibleUser(core, request, core.directory.userByOid(signIn.oid));
  if (signIn === undefined || user === undefined) return { page: 'choose' };
  checkAccount(core, request, user);
  const mfa = signIn.mfa || core.store.knobs(user.oid).mfa === 'satisfied';
  const current = { ...signIn, mfa };
  if (needsMfa(core, user.oid, mfa) || (request.claims?.mfa && !mfa)) {
    const { defaultResource } = core.directory;
    const resource = request.scopes.resources[0]?.resource ?? defaultResource;
    if (!request.prompt.has('none')) return { page: 'mfa', signIn: current, user };
    const challenge = request.claims?.mfa ? request.claims.challenge : mfaChallenge(resource);
    throw new EntraError('mfaInteraction', { resource: resource.app_id }, challenge);
  }
  if (!now.consent && mustAskConsent(core, request, user)) return { page: 'consent', signIn: current, user };
  return { signIn: current, user };
}
