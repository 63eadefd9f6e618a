import type { Core } from '../core.js';
import type { Incoming } from '../http/incoming.js';
import { jsonReply } from '../http/reply.js';
import type { Handler, PathParams, Route } from '../http/router.js';
import { DEFAULT_SETTINGS, resetKnobs } from '../knobs.js';
import { AdminProblem, adminRefusal, readJson } from './guard.js';
import { readFault, readLifetimes, readNarrowing, readRotation } from './inputs.js';
import { userAction } from './users.js';

type Work = (incoming: Incoming, params: PathParams) => object | Promise<object>;

/** A handler for this machine only, whose problems are told as JSON. */
export function guarded(work: Work): Handler {
  return async (incoming, params) => {
    const refusal = adminRefusal(incoming);
    if (refusal !== undefined) return refusal;
    try {
      return jsonReply(200, await work(incoming, params));
    } catch (error) {
      if (!(error instanceof AdminProblem)) throw error;
      return jsonReply(error.status, { error: 'invalid_request', error_description: error.message });
    }
  };
}

function stateOf(core: Core): object {
  const { consents, settings, usedCodes } = core.store.read();
  const users = core.directory.file.users.map(({ oid, upn, name, tid }) => ({
    oid,
    upn,
    name,
    tid,
    ...core.store.knobs(oid),
  }));
  return {
    issuer: core.baseUrl,
    users,
    consents,
    settings,
    usedCodes: Object.keys(usedCodes).length,
    keys: core.keys.published().map(({ kid }) => kid),
    signingKey: core.keys.current().kid,
    faults: core.faults.pending(),
    counters: core.requests.counters(),
  };
}

async function setSettings(core: Core, change: object): Promise<object> {
  await core.store.change((data) => {
    data.settings = { ...data.settings, ...change };
  });
  return core.store.read().settings;
}

async function reset(core: Core): Promise<object> {
  core.faults.clear();
  await core.store.change((data) => {
    data.settings = DEFAULT_SETTINGS;
    for (const [oid, knobs] of Object.entries(data.users)) data.users[oid] = resetKnobs(knobs);
  });
  return { reset: true };
}

async function rotate(core: Core, body: unknown): Promise<object> {
  const kid = await core.keys.rotate(readRotation(body).keepOld ?? true);
  core.log('info', 'signing key rotated', { kid, published: core.keys.published().length });
  return { kid, keys: core.keys.published().map((key) => key.kid) };
}

function addFault(core: Core, body: unknown): object {
  core.faults.add(readFault(body));
  return { faults: core.faults.pending() };
}

function clearFaults(core: Core): object {
  core.faults.clear();
  return { faults: [] };
}

/** The knobs, under `/_admin`: JSON in and out, for this machine only. */
export function adminRoutes(core: Core): readonly Route[] {
  const post = (path: string, work: Work): Route => ({ path, methods: { POST: guarded(work) } });
  const get = (path: string, work: Work): Route => ({ path, methods: { GET: guarded(work) } });
  return [
    get('/_admin/state', () => stateOf(core)),
    get('/_admin/requests', () => ({
      requests: core.requests.entries(),
      counters: core.requests.counters(),
    })),
    post('/_admin/users/:user/:action', (incoming, { user = '', action = '' }) =>
      userAction(core, user, { action, body: readJson(incoming) }),
    ),
    {
      path: '/_admin/faults',
      methods: {
        POST: guarded((incoming) => addFault(core, readJson(incoming))),
        DELETE: guarded(() => clearFaults(core)),
      },
    },
    post('/_admin/keys/rotate', (incoming) => rotate(core, readJson(incoming))),
    post('/_admin/lifetimes', (incoming) => setSettings(core, readLifetimes(readJson(incoming)))),
    post('/_admin/narrowing', (incoming) =>
      setSettings(core, { narrowing: readNarrowing(readJson(incoming)).on }),
    ),
    post('/_admin/reset', () => reset(core)),
  ];
}
