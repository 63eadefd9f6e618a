import type { Incoming } from '../../http/incoming.js';
import { jsonReply, type Reply } from '../../http/reply.js';
import { endFamily } from '../kit/grants.js';
import { baseOf, type Kit } from '../kit/kit.js';
import { everything } from '../kit/params.js';
import type { Heard } from '../kit/refusal.js';
import { type AccessToken, findAccessToken } from './access_token.js';
import { twitterRefusal } from './errors.js';
import { type Signed, verifySigned } from './signed_request.js';

function requireUser(kit: Kit, incoming: Incoming): Promise<Signed<AccessToken>> {
  return verifySigned(kit, incoming, (app, given) => {
    const found = findAccessToken(kit, app, given ?? '');
    if (typeof found === 'string') throw twitterRefusal(found);
    return { token: found, secret: found.family.secret ?? '' };
  });
}

/** `GET /1.1/account/verify_credentials.json`: who signed the request. The e-mail address only when asked for. */
export async function verifyCredentials(kit: Kit, incoming: Incoming): Promise<Reply> {
  const { app, token } = await requireUser(kit, incoming);
  const { account } = token;
  const id = account.id(app);
  const wantsEmail = ['true', 't', '1'].includes(everything(incoming).get('include_email') ?? '');
  return jsonReply(200, {
    // Beyond 2^53, so the number is only near: apps read `id_str`.
    id: Number(id),
    id_str: id,
    name: account.user.name,
    screen_name: account.handle,
    profile_image_url_https: `${baseOf(kit, 'twitter')}/picture/${account.user.oid}`,
    protected: false,
    verified: false,
    ...(wantsEmail ? { email: account.email } : {}),
  });
}

/** `POST /1.1/oauth/invalidate_token`: the access token that signed the request ends. */
export async function invalidateToken(kit: Kit, incoming: Incoming, heard: Heard): Promise<Reply> {
  const { app, token, oauth } = await requireUser(kit, incoming);
  const { account, parties, family } = token;
  Object.assign(heard, { client: app.client_id, user: account.user.oid });
  await endFamily(kit, parties, family.id);
  return jsonReply(200, { access_token: oauth('oauth_token') });
}
