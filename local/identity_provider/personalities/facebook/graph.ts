import type { SocialApp } from '../../directory/social.js';
import type { Incoming } from '../../http/incoming.js';
import { jsonReply, type Reply } from '../../http/reply.js';
import type { PathParams } from '../../http/router.js';
import { anyToken } from '../kit/bearer.js';
import { endGrant, withdraw } from '../kit/grants.js';
import { baseOf, hasSecret, type Kit } from '../kit/kit.js';
import { everything } from '../kit/params.js';
import { type LiveToken, partiesOf } from '../kit/tokens.js';
import { inspectUserToken, liveScopes, requireUser } from './access.js';
import { facebookRefusal, tokenError, unknownField } from './errors.js';

type Field = (kit: Kit, live: LiveToken) => unknown;

/** The fields of a user. One the token has no permission for is left out of the answer. */
const FIELDS: ReadonlyMap<string, Field> = new Map<string, Field>([
  ['id', (_, { account, app }) => account.id(app)],
  ['name', (_, { account }) => account.user.name],
  ['first_name', (_, { account }) => account.givenName],
  ['last_name', (_, { account }) => account.familyName || undefined],
  ['email', (_, live) => (liveScopes(live).includes('email') ? live.account.email : undefined)],
  [
    'picture',
    (kit, { account }) => ({
      data: {
        height: 48,
        width: 48,
        is_silhouette: false,
        url: `${baseOf(kit, 'facebook')}/picture/${account.user.oid}`,
      },
    }),
  ],
]);

/** `picture.width(48){url}` is the field `picture`. */
function fieldNames(text: string): readonly string[] {
  const flat = text.replace(/\{[^{}]*\}/g, '').replace(/\.[a-z_]+\([^()]*\)/g, '');
  return flat.split(',').filter((name) => name !== '');
}

/** `GET /me`. Always with the id; by default also the name. */
export function me(kit: Kit, incoming: Incoming): Reply {
  const live = requireUser(kit, incoming);
  const asked = fieldNames(everything(incoming).get('fields') || 'name,id');
  const answer: Record<string, unknown> = {};
  for (const name of [...asked, 'id']) {
    const field = FIELDS.get(name);
    if (field === undefined) throw unknownField(name);
    const value = field(kit, live);
    if (value !== undefined) answer[name] = value;
  }
  return jsonReply(200, answer);
}

/** An app's own token is its id and secret. */
function appOfToken(kit: Kit, token: string): SocialApp | undefined {
  const [id = '', secret = ''] = token.split('|');
  const app = kit.app('facebook', id);
  return app !== undefined && hasSecret(app, secret) ? app : undefined;
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** `GET /debug_token`: what a token is, for the app it was issued to. An invalid one is told as data, not as an error. */
export function debugToken(kit: Kit, incoming: Incoming): Reply {
  const app = appOfToken(kit, anyAppToken(incoming));
  if (app === undefined) throw facebookRefusal('notAppToken');
  const input = everything(incoming).get('input_token') || undefined;
  if (input === undefined) throw facebookRefusal('inputToken');
  const inspected = inspectUserToken(kit, input);
  const facts = inspected.problem === undefined ? inspected.live.facts : inspected.facts;
  if (facts !== undefined && facts.client !== app.client_id) throw facebookRefusal('notAppToken');
  const about = {
    app_id: app.client_id,
    application: app.name ?? app.client_id,
    type: 'USER',
    ...(facts === undefined
      ? {}
      : { issued_at: seconds(facts.issued), expires_at: seconds(facts.expires ?? 0) }),
  };
  if (inspected.problem !== undefined) {
    const { code, message, error_subcode: subcode } = tokenError(inspected.problem, facts, kit.core.now());
    const error = { code, message, ...(subcode === undefined ? {} : { subcode }) };
    return jsonReply(200, { data: { ...about, error, is_valid: false, scopes: [] } });
  }
  const { live } = inspected;
  const user = { user_id: live.account.id(live.app), scopes: liveScopes(live) };
  return jsonReply(200, { data: { ...about, is_valid: true, ...user } });
}

/** The `|` of an app token is not a character of bearer tokens, so the parameter is read alone. */
function anyAppToken(incoming: Incoming): string {
  return everything(incoming).get('access_token') ?? anyToken(incoming) ?? '';
}

function requireSelf(kit: Kit, incoming: Incoming, user: string): LiveToken {
  const live = requireUser(kit, incoming);
  if (user !== 'me' && user !== live.account.id(live.app)) throw facebookRefusal('otherUser');
  return live;
}

/** `GET /{user}/permissions`. */
export function permissions(kit: Kit, incoming: Incoming, { user = '' }: PathParams): Reply {
  const { grant } = requireSelf(kit, incoming, user);
  return jsonReply(200, {
    data: grant.scopes.map((permission) => ({ permission, status: 'granted' })),
  });
}

/** `DELETE /{user}/permissions` removes the app; `…/{permission}` takes one permission back. */
export async function removePermissions(
  kit: Kit,
  incoming: Incoming,
  { user = '', permission }: PathParams,
): Promise<Reply> {
  const { facts } = requireSelf(kit, incoming, user);
  const parties = partiesOf('facebook', facts);
  if (permission === undefined) await endGrant(kit, parties);
  else await withdraw(kit, parties, permission);
  return jsonReply(200, { success: true });
}
