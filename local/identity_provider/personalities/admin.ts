import { Ajv } from 'ajv';
import { AdminProblem, readJson } from '../admin/guard.js';
import { guarded } from '../admin/routes.js';
import { PERSONALITIES, type Personality } from '../directory/social.js';
import type { Incoming } from '../http/incoming.js';
import type { Route } from '../http/router.js';
import { endGrant, grantOf } from './kit/grants.js';
import type { Kit } from './kit/kit.js';

type Removal = Readonly<{ personality: Personality; client_id: string }>;

const isRemoval = new Ajv().compile<Removal>({
  type: 'object',
  properties: { personality: { enum: PERSONALITIES }, client_id: { type: 'string', minLength: 1 } },
  required: ['personality', 'client_id'],
  additionalProperties: false,
});

/** Who lets which app do what, without anything secret. */
function grants(kit: Kit): object {
  const apps = kit.core.directory.file.social?.apps ?? [];
  const rows = apps.flatMap(({ personality, client_id: client }) =>
    kit.people.all.flatMap(({ user }) => {
      const grant = grantOf(kit, { personality, client, oid: user.oid });
      if (grant === undefined) return [];
      const { scopes, offline, families } = grant;
      const since = new Date(grant.since).toISOString();
      return [
        { personality, client_id: client, oid: user.oid, scopes, offline, since, live: families.length },
      ];
    }),
  );
  return { grants: rows };
}

/** What a user does at the provider's own settings page: the app is removed. */
async function removeApp(kit: Kit, incoming: Incoming, name: string): Promise<object> {
  const body = readJson(incoming);
  if (!isRemoval(body)) throw new AdminProblem('the body must be { personality, client_id }');
  const { personality, client_id: client } = body;
  const app = kit.app(personality, client);
  if (app === undefined) throw new AdminProblem('there is no such app');
  const account = kit.people.byHint(name, app);
  if (account === undefined) throw new AdminProblem('there is no such user', 404);
  const parties = { personality, client, oid: account.user.oid };
  const removed = grantOf(kit, parties) !== undefined;
  await endGrant(kit, parties);
  return { oid: account.user.oid, removed };
}

/** The knobs that only these personalities have. Those per user, faults, lifetimes, keys and requests are shared with Entra. */
export function socialAdminRoutes(kit: Kit): readonly Route[] {
  return [
    { path: '/_admin/social', methods: { GET: guarded(() => grants(kit)) } },
    {
      path: '/_admin/social/users/:user/remove-app',
      methods: { POST: guarded((incoming, { user = '' }) => removeApp(kit, incoming, user)) },
    },
  ];
}
