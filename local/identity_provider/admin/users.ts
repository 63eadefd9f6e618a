import type { Core } from '../core.js';
import type { User } from '../directory/types.js';
import { type ConsentParties, consentedScopes, grantConsent, withdrawConsent } from '../entra/consents.js';
import { applyAction, USER_ACTIONS, type UserAction } from '../knobs.js';
import { AdminProblem } from './guard.js';
import { type ConsentInput, readConsent } from './inputs.js';

function findUser(core: Core, name: string): User {
  const user = core.directory.userByHint(name);
  if (user === undefined) throw new AdminProblem('there is no such user', 404);
  return user;
}

function isUserAction(action: string): action is UserAction {
  return USER_ACTIONS.some((known) => known === action);
}

function parties(core: Core, user: User, input: ConsentInput): ConsentParties {
  const client = core.directory.app(input.app_id);
  const resource = core.directory.resource(input.resource, user.tid);
  if (client === undefined || resource === undefined)
    throw new AdminProblem('there is no such app or resource');
  return { oid: user.oid, client, resource };
}

async function changeConsent(core: Core, user: User, action: string, body: unknown): Promise<object> {
  const input = readConsent(body);
  const between = parties(core, user, input);
  const { scopes = action === 'consent' ? (between.resource.scopes ?? []) : consentedScopes(core, between) } =
    input;
  await (action === 'consent' ? grantConsent : withdrawConsent)(core, between, scopes);
  return { oid: user.oid, consented: consentedScopes(core, between) };
}

/**
 * Does one action to one user, named by upn, e-mail or object id, and tells what holds now. Without `scopes` the consent
 * actions are about all scopes of the resource.
 * @throws AdminProblem 404 for an unknown user or action
 */
export async function userAction(
  core: Core,
  name: string,
  { action, body }: Readonly<{ action: string; body: unknown }>,
): Promise<object> {
  const user = findUser(core, name);
  if (action === 'consent' || action === 'revoke-consent') return changeConsent(core, user, action, body);
  if (!isUserAction(action)) throw new AdminProblem('there is no such action', 404);
  await core.store.change((data) => {
    data.users[user.oid] = applyAction(core.store.knobs(user.oid), action, core.now());
  });
  core.log('info', 'admin action', { action, user: user.oid });
  return { oid: user.oid, ...core.store.knobs(user.oid) };
}
