import type { Personality } from '../../directory/social.js';
import type { Incoming } from '../../http/incoming.js';
import type { Reply } from '../../http/reply.js';
import type { Handler, PathParams } from '../../http/router.js';
import type { Kit } from './kit.js';

/** A request is refused: the answer in the provider's own words, and a short code for the request log. */
export class Refusal extends Error {
  readonly reply: Reply;
  readonly outcome: string;
  constructor(reply: Reply, outcome: string) {
    super(outcome);
    this.name = 'Refusal';
    this.reply = reply;
    this.outcome = outcome;
  }
}

type Endpoint = (incoming: Incoming, params: PathParams) => Reply | Promise<Reply>;

/** A handler whose refusals are its answers. */
export function refusing(endpoint: Endpoint): Handler {
  return async (incoming, params) => {
    try {
      return await endpoint(incoming, params);
    } catch (error) {
      if (error instanceof Refusal) return error.reply;
      throw error;
    }
  };
}

/** What the request log learns of a call, whether it ends well or not: ids and names only, once they are known to exist. */
export type Heard = { grant: string; client?: string; user?: string; scope?: string };
type RecordedEndpoint = (incoming: Incoming, heard: Heard, params: PathParams) => Promise<Reply>;

/** A handler of a token-like endpoint: its refusals are its answers, and every call is in the request log. */
export function recorded(
  kit: Kit,
  personality: Personality,
  { grant, endpoint }: Readonly<{ grant: string; endpoint: RecordedEndpoint }>,
): Handler {
  return async (incoming, params) => {
    const heard: Heard = { grant };
    try {
      const reply = await endpoint(incoming, heard, params);
      record(kit, personality, { ...heard, status: reply.status, outcome: 'ok' });
      return reply;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      record(kit, personality, { ...heard, status: error.reply.status, outcome: error.outcome });
      return error.reply;
    }
  };
}

function record(
  { core }: Kit,
  personality: Personality,
  { grant, client, user, scope, status, outcome }: Heard & { status: number; outcome: string },
): void {
  const entry = {
    grant: `${personality}:${grant}`,
    ...(client === undefined ? {} : { client }),
    ...(user === undefined ? {} : { user }),
    status,
    outcome,
  };
  const extra = scope === undefined ? {} : { scope: scope.slice(0, 400) };
  core.requests.record({ time: new Date(core.now()).toISOString(), ...entry, ...extra });
  core.log('info', 'token', entry);
}
