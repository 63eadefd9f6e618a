import type { Core } from '../core.js';
import type { User } from '../directory/types.js';
import { pairwiseSubject } from '../entra/claims.js';
import type { Incoming } from '../http/incoming.js';
import { jsonReply, type Reply } from '../http/reply.js';
import type { Handler, Route } from '../http/router.js';
import { applyAction } from '../knobs.js';
import { type Caller, forbidden, isReply, readCaller, refused } from './bearer.js';
import { demoMessages } from './messages.js';

type SignedIn = Readonly<{ user: User; caller: Caller }>;

/** A handler for a user's token that holds one of `scopes`. */
function delegated(core: Core, scopes: readonly string[], answer: (signedIn: SignedIn) => Reply): Handler {
  return async (incoming) => {
    const caller = await readCaller(core, incoming);
    if (isReply(caller)) return caller;
    const { user } = caller;
    if (user === undefined) {
      const message = '/me request is only valid with delegated authentication flow.';
      return refused(core, { status: 400, code: 'BadRequest', message });
    }
    return scopes.some((scope) => caller.scopes.has(scope))
      ? answer({ user, caller })
      : forbidden(core, scopes.join(' '));
  };
}

function profile(core: Core, { user }: SignedIn): Reply {
  return jsonReply(200, {
    '@odata.context': `${core.baseUrl}/graph/v1.0/$metadata#users/$entity`,
    id: user.oid,
    displayName: user.name,
    mail: user.email ?? null,
    userPrincipalName: user.upn,
  });
}

function messages(core: Core, { user }: SignedIn): Reply {
  const context = `${core.baseUrl}/graph/v1.0/$metadata#users('${user.oid}')/messages`;
  return jsonReply(200, { '@odata.context': context, value: demoMessages(user) });
}

/** OpenID Connect Core §5.3: the same subject as in the client's ID token. */
function userInfo({ user, caller }: SignedIn): Reply {
  const { scopes, client } = caller;
  return jsonReply(200, {
    sub: pairwiseSubject(user, client),
    ...(scopes.has('profile') ? { name: user.name } : {}),
    ...(scopes.has('email') && user.email !== undefined ? { email: user.email } : {}),
  });
}

function mayRevoke({ user, scopes, roles }: Caller, target: User): boolean {
  const wide = ['User.RevokeSessions.All', 'User.ReadWrite.All', 'Directory.ReadWrite.All'];
  return user?.oid === target.oid || wide.some((name) => scopes.has(name) || roles.has(name));
}

async function revokeSessions(core: Core, incoming: Incoming, id: string | undefined): Promise<Reply> {
  const caller = await readCaller(core, incoming);
  if (isReply(caller)) return caller;
  const target = id === undefined ? caller.user : core.directory.userByHint(id);
  if (target === undefined || core.store.knobs(target.oid).deleted) {
    return refused(core, {
      status: 404,
      code: 'Request_ResourceNotFound',
      message: 'Resource does not exist.',
    });
  }
  if (!mayRevoke(caller, target)) return forbidden(core, 'User.RevokeSessions.All');
  await core.store.change((data) => {
    data.users[target.oid] = applyAction(core.store.knobs(target.oid), 'revoke', core.now());
  });
  core.log('info', 'sign-in sessions revoked', { user: target.oid, client: caller.client });
  return jsonReply(200, {
    '@odata.context': `${core.baseUrl}/graph/v1.0/$metadata#Edm.Boolean`,
    value: true,
  });
}

/** A little of Microsoft Graph, enough to show that a token works, plus the userinfo endpoint Entra keeps there. */
export function graphRoutes(core: Core): readonly Route[] {
  const info = delegated(core, ['openid'], userInfo);
  const base = '/graph/v1.0';
  return [
    { path: '/graph/oidc/userinfo', methods: { GET: info, POST: info } },
    {
      path: `${base}/me`,
      methods: { GET: delegated(core, ['User.Read', 'User.ReadWrite'], (who) => profile(core, who)) },
    },
    {
      path: `${base}/me/messages`,
      methods: { GET: delegated(core, ['Mail.Read', 'Mail.ReadWrite'], (who) => messages(core, who)) },
    },
    {
      path: `${base}/me/revokeSignInSessions`,
      methods: { POST: (incoming) => revokeSessions(core, incoming, undefined) },
    },
    {
      path: `${base}/users/:id/revokeSignInSessions`,
      methods: { POST: (incoming, { id }) => revokeSessions(core, incoming, id) },
    },
  ];
}
