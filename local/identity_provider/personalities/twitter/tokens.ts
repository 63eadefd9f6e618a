import { isRegistered } from '../../entra/redirect_uris.js';
import type { Incoming } from '../../http/incoming.js';
import type { Reply } from '../../http/reply.js';
import { grantOf } from '../kit/grants.js';
import type { Kit } from '../kit/kit.js';
import type { Heard } from '../kit/refusal.js';
import { spendOnce } from '../kit/replay.js';
import { issueAccessToken } from './access_token.js';
import { textReply, twitterRefusal, verifierRefusal } from './errors.js';
import { mintRequestToken, openRequestToken, openVerifier, requestTokenEnd } from './request_token.js';
import { type TokenOf, verifySigned } from './signed_request.js';

const form = (fields: Readonly<Record<string, string>>): Reply =>
  textReply(200, new URLSearchParams(fields).toString());

const noToken: TokenOf<undefined> = (_, token) => {
  if (token !== undefined) throw twitterRefusal('badData');
  return { token: undefined, secret: '' };
};

/** `POST /oauth/request_token` (RFC 5849 §2.1). The callback must be registered, and is confirmed. */
export async function requestToken(kit: Kit, incoming: Incoming, heard: Heard): Promise<Reply> {
  const { app, oauth } = await verifySigned(kit, incoming, noToken);
  heard.client = app.client_id;
  const callback = oauth('oauth_callback') ?? app.redirect_uris[0] ?? 'oob';
  if (callback !== 'oob' && !isRegistered(app.redirect_uris, callback)) throw twitterRefusal('callback');
  const { token, secret } = mintRequestToken(kit, app, callback);
  return form({ oauth_token: token, oauth_token_secret: secret, oauth_callback_confirmed: 'true' });
}

/** `POST /oauth/access_token` (§2.3): a request token and its verifier give the access token, once. */
export async function accessToken(kit: Kit, incoming: Incoming, heard: Heard): Promise<Reply> {
  const {
    app,
    token: request,
    oauth,
  } = await verifySigned(kit, incoming, (client, given) => {
    const opened = openRequestToken(kit, given);
    if (opened === undefined || opened.client !== client.client_id) throw twitterRefusal('token');
    return { token: opened, secret: opened.secret };
  });
  heard.client = app.client_id;
  const verifier = openVerifier(
    kit,
    request,
    oauth('oauth_verifier') ?? incoming.form?.get('oauth_verifier') ?? '',
  );
  const account = verifier && kit.people.byOid(verifier.oid);
  if (account === undefined) throw verifierRefusal();
  const { oid } = account.user;
  heard.user = oid;
  const { disabled, deleted } = kit.core.store.knobs(oid);
  const gone = grantOf(kit, { personality: 'twitter', client: app.client_id, oid }) === undefined;
  if (gone || disabled || deleted) throw twitterRefusal('token');
  if (!(await spendOnce(kit, request.id, requestTokenEnd(request)))) throw twitterRefusal('token');
  const { token, secret } = await issueAccessToken(kit, app, account);
  return form({
    oauth_token: token,
    oauth_token_secret: secret,
    user_id: account.id(app),
    screen_name: account.handle,
  });
}
