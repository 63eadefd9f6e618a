import { createHash } from 'node:crypto';
import type { SocialApp } from '../../directory/social.js';
import type { Incoming } from '../../http/incoming.js';
import type { Kit } from '../kit/kit.js';
import { spendOnce } from '../kit/replay.js';
import { twitterRefusal } from './errors.js';
import { isSignedBy, requestParameters } from './signature.js';

/** How far a timestamp may be off, either way. */
const WINDOW_SECONDS = 300;

type Protocol = (name: string) => string | undefined;

/** The `oauth_` parameters, each at most once (RFC 5849 §3.1). */
function protocolParameters(incoming: Incoming): Protocol {
  const all = requestParameters(incoming).filter(([name]) => name.startsWith('oauth_'));
  const byName = new Map(all);
  if (all.length === 0 || byName.size !== all.length) throw twitterRefusal('badData');
  return (name) => byName.get(name) || undefined;
}

function readTimestamp(kit: Kit, oauth: Protocol): number {
  const text = oauth('oauth_timestamp') ?? '';
  if (!/^\d{1,12}$/.test(text)) throw twitterRefusal('badData');
  const timestamp = Number(text);
  const off = Math.abs(kit.core.now() / 1000 - timestamp);
  if (off > WINDOW_SECONDS) throw twitterRefusal('timestamp');
  return timestamp;
}

/** A nonce counts once for its client, token and timestamp (§3.3). */
async function spendNonce(kit: Kit, oauth: Protocol, timestamp: number): Promise<void> {
  const nonce = oauth('oauth_nonce');
  if (nonce === undefined) throw twitterRefusal('badData');
  const whole = JSON.stringify([oauth('oauth_consumer_key'), oauth('oauth_token') ?? '', timestamp, nonce]);
  const id = `nonce:${createHash('sha256').update(whole).digest('base64url')}`;
  const until = (timestamp + WINDOW_SECONDS) * 1000 + 1000;
  if (!(await spendOnce(kit, id, until))) throw twitterRefusal('authenticate');
}

/** What the token of a request is, and the secret it is signed with besides the consumer's. */
export type TokenOf<T> = (
  app: SocialApp,
  token: string | undefined,
) => Readonly<{ token: T; secret: string }>;

export type Signed<T> = Readonly<{ app: SocialApp; token: T; oauth: Protocol }>;

/**
 * Verifies a signed request (RFC 5849 §3.2): client, HMAC-SHA1 signature over everything sent, timestamp, and a nonce never
 * seen before. The nonce is spent last, so that nobody but the client can spend it.
 * @throws Refusal in Twitter's shape; what `tokenOf` throws for a token that does not do
 */
export async function verifySigned<T>(kit: Kit, incoming: Incoming, tokenOf: TokenOf<T>): Promise<Signed<T>> {
  const oauth = protocolParameters(incoming);
  const app = kit.app('twitter', oauth('oauth_consumer_key'));
  const signature = oauth('oauth_signature');
  const version = oauth('oauth_version') ?? '1.0';
  if (app?.secret === undefined || signature === undefined || version !== '1.0')
    throw twitterRefusal('authenticate');
  if (oauth('oauth_signature_method') !== 'HMAC-SHA1') throw twitterRefusal('authenticate');
  const timestamp = readTimestamp(kit, oauth);
  const { token, secret } = tokenOf(app, oauth('oauth_token'));
  const secrets = { consumer: app.secret, token: secret };
  if (!isSignedBy(incoming, secrets, { baseUrl: kit.core.baseUrl, signature }))
    throw twitterRefusal('authenticate');
  await spendNonce(kit, oauth, timestamp);
  return { app, token, oauth };
}
