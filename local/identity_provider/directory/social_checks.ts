import { createPublicKey } from 'node:crypto';
import { collect, duplicates, redirectProblem, unknown } from './checks.js';
import { PERSONALITIES, type Personality, type SocialApp, type SocialUser } from './social.js';
import type { DirectoryFile } from './types.js';

const OPTION_OF: Readonly<Record<string, Personality>> = {
  expiring_tokens: 'github',
  require_appsecret_proof: 'facebook',
  testing: 'google',
  throttle_refresh: 'apple',
};
const APPLE_ONLY = ['public_key', 'key_id', 'team_id'] as const;

/** The registered key of an Apple app. @throws what node:crypto throws for text that is no key */
export function appleKey(key: NonNullable<SocialApp['public_key']>) {
  return typeof key === 'string' ? createPublicKey(key) : createPublicKey({ key: { ...key }, format: 'jwk' });
}

function isP256(key: NonNullable<SocialApp['public_key']>): boolean {
  try {
    return appleKey(key).asymmetricKeyDetails?.namedCurve === 'prime256v1';
  } catch {
    return false;
  }
}

function* appleProblems(app: SocialApp, place: string): Generator<string> {
  const { secret, public_key: key } = app;
  for (const name of APPLE_ONLY) if (app[name] === undefined) yield `${place} must have ${name}`;
  if (key !== undefined && !isP256(key)) yield `${place}/public_key is not a public key on P-256`;
  if (secret !== undefined) yield `${place}/secret is not used by apple, whose apps sign theirs`;
}

function* secretProblems(app: SocialApp, place: string): Generator<string> {
  for (const name of APPLE_ONLY) if (app[name] !== undefined) yield `${place}/${name} is for apple only`;
  if (app.secret === undefined && app.personality !== 'x2') yield `${place} must have secret`;
}

function* appProblems(app: SocialApp, place: string): Generator<string> {
  yield* app.personality === 'apple' ? appleProblems(app, place) : secretProblems(app, place);
  for (const [index, uri] of app.redirect_uris.entries()) {
    const problem = redirectProblem(uri);
    if (problem !== undefined) yield `${place}/redirect_uris/${index} ${problem}`;
  }
  for (const name of Object.keys(app.options ?? {})) {
    const owner = OPTION_OF[name];
    if (owner !== app.personality) yield `${place}/options/${name} is for ${owner} only`;
  }
}

function* userProblems(users: readonly SocialUser[], oids: ReadonlySet<string>): Generator<string> {
  const field = (name: 'oid' | 'handle' | 'email') =>
    collect(users, `social/users/*/${name}`, (user) => user[name]);
  yield* unknown(field('oid'), oids, 'the oid of a user');
  for (const name of ['oid', 'handle', 'email'] as const) yield* duplicates(field(name));
  for (const personality of PERSONALITIES) {
    yield* duplicates(collect(users, `social/users/*/ids/${personality}`, (user) => user.ids?.[personality]));
  }
}

/**
 * Problems of the `social` member that its shape does not show. Client ids may not be those of an Entra app either: the ID
 * tokens of all personalities are signed with the same keys, and the audience is what tells them apart.
 */
export function* socialProblems({ social, users, apps }: DirectoryFile): Generator<string> {
  if (social === undefined) return;
  yield* userProblems(social.users ?? [], new Set(users.map((user) => user.oid)));
  yield* duplicates(
    collect(social.apps, 'social/apps/*/client_id', (app) => `${app.personality} ${app.client_id}`),
  );
  const entra = new Set(apps.flatMap((app) => [app.app_id, app.app_id_uri]));
  for (const [index, app] of social.apps.entries()) {
    if (entra.has(app.client_id)) yield `social/apps/${index}/client_id is that of an Entra app`;
  }
  for (const [index, app] of social.apps.entries()) yield* appProblems(app, `social/apps/${index}`);
}
