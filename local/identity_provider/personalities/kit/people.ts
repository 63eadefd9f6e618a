import { createHash } from 'node:crypto';
import type { Directory } from '../../directory/directory.js';
import type { Personality, SocialApp, SocialUser } from '../../directory/social.js';
import type { User } from '../../directory/types.js';
import { digitsOf } from './text.js';

/** A user of the directory as the other providers know them. */
export type Account = Readonly<{
  user: User;
  /** Login at GitHub, screen name at X. */
  handle: string;
  givenName: string;
  familyName: string;
  email: string;
  emailVerified: boolean;
  hostedDomain: string | undefined;
  hidesEmail: boolean;
  /** The user's id as that app sees it. Facebook and Apple give each app or team another one. */
  id: (app: SocialApp) => string;
}>;

export type People = Readonly<{
  all: readonly Account[];
  byOid: (oid: string) => Account | undefined;
  /** By upn, e-mail address, object id, handle, or the id at that app; whatever the case. */
  byHint: (hint: string, app: SocialApp) => Account | undefined;
}>;

function appleId(oid: string, team: string): string {
  const hex = createHash('sha256').update(`apple:${team}:${oid}`).digest('hex');
  const digits = digitsOf(hex, 10);
  return `00${digits.slice(1, 5)}.${hex.slice(0, 32)}.${digits.slice(5, 9)}`;
}

const DERIVED: Readonly<Record<Personality, (oid: string, app: SocialApp) => string>> = {
  google: (oid) => digitsOf(`google:${oid}`, 21),
  facebook: (oid, app) => digitsOf(`facebook:${app.client_id}:${oid}`, 17),
  twitter: (oid) => digitsOf(`x:${oid}`, 19),
  x2: (oid) => digitsOf(`x:${oid}`, 19),
  github: (oid) => digitsOf(`github:${oid}`, 9),
  apple: (oid, app) => appleId(oid, app.team_id ?? ''),
};

function defaultHandle(user: User): string {
  const local = user.upn.split('@')[0] ?? '';
  return local.replace(/[^A-Za-z0-9-]/g, '-').replace(/^-+|-+$/g, '') || digitsOf(user.oid, 6);
}

function hostedDomain(
  directory: Directory,
  user: User,
  entry: SocialUser,
  email: string,
): string | undefined {
  if (entry.hosted_domain !== undefined) return entry.hosted_domain ?? undefined;
  const domain = directory.tenant(user.tid)?.domain;
  return domain !== undefined && email.toLowerCase().endsWith(`@${domain.toLowerCase()}`)
    ? domain
    : undefined;
}

function accountOf(directory: Directory, user: User, entry: SocialUser): Account {
  const email = entry.email ?? user.email ?? user.upn;
  const [givenName = user.name, ...rest] = user.name.split(' ');
  return {
    user,
    handle: entry.handle ?? defaultHandle(user),
    givenName,
    familyName: rest.join(' '),
    email,
    emailVerified: entry.email_verified ?? true,
    hostedDomain: hostedDomain(directory, user, entry, email),
    hidesEmail: entry.hide_email ?? false,
    id: (app) => entry.ids?.[app.personality] ?? DERIVED[app.personality](user.oid, app),
  };
}

/** The accounts of all users of the directory, with what the `social` member says of them. */
export function createPeople(directory: Directory): People {
  const entries = new Map((directory.file.social?.users ?? []).map((entry) => [entry.oid, entry]));
  const all = directory.file.users.map((user) =>
    accountOf(directory, user, entries.get(user.oid) ?? { oid: user.oid }),
  );
  const byOid = new Map(all.map((account) => [account.user.oid, account]));
  return {
    all,
    byOid: (oid) => byOid.get(oid),
    byHint: (hint, app) => {
      const named = directory.userByHint(hint);
      if (named !== undefined) return byOid.get(named.oid);
      const wanted = hint.toLowerCase();
      const names = (one: Account): string[] => [one.email, one.handle, one.id(app)];
      return all.find((one) => names(one).some((name) => name.toLowerCase() === wanted));
    },
  };
}
