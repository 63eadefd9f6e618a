import { randomBytes } from 'node:crypto';
import type { SocialApp } from '../../directory/social.js';
import type { SocialFamily } from '../../social_state.js';
import { addFamily, familyOf, grantOf, type Parties } from '../kit/grants.js';
import type { Kit } from '../kit/kit.js';
import type { Account } from '../kit/people.js';
import type { TwitterCause } from './errors.js';

/** Access tokens have no end: one for each user and app, the same at every sign-in until it is revoked. */
export type AccessToken = Readonly<{ account: Account; parties: Parties; family: SocialFamily }>;

function partiesFor(app: SocialApp, account: Account): Parties {
  return { personality: 'twitter', client: app.client_id, oid: account.user.oid };
}

function isOver({ core }: Kit, oid: string, family: SocialFamily): boolean {
  const { expiredAt } = core.store.knobs(oid);
  return expiredAt !== undefined && family.issued <= expiredAt;
}

/** Token and secret of a user at an app: those that are live, or new ones. The user has consented. */
export async function issueAccessToken(
  kit: Kit,
  app: SocialApp,
  account: Account,
): Promise<Readonly<{ token: string; secret: string }>> {
  const parties = partiesFor(app, account);
  const live = grantOf(kit, parties)?.families.find((one) => !isOver(kit, parties.oid, one));
  const secret = randomBytes(33).toString('base64url');
  const family = live ?? (await addFamily(kit, parties, { scopes: [], secret, limit: 1 }));
  return { token: `${account.id(app)}-${family.id}`, secret: family.secret ?? secret };
}

/** Finds an access token of an app; otherwise the cause to refuse it for. */
export function findAccessToken(kit: Kit, app: SocialApp, token: string): AccessToken | TwitterCause {
  const [, id = '', familyId = ''] = /^(\d+)-([\w-]+)$/.exec(token) ?? [];
  const account = kit.people.all.find((one) => one.id(app) === id);
  if (account === undefined) return 'token';
  const parties = partiesFor(app, account);
  const family = familyOf(grantOf(kit, parties), familyId);
  const { deleted, disabled, mfa } = kit.core.store.knobs(parties.oid);
  if (family === undefined || deleted || isOver(kit, parties.oid, family)) return 'token';
  if (disabled) return 'suspended';
  return mfa === 'required' ? 'locked' : { account, parties, family };
}
