import type { Connection } from '../domain/connection.js';
import { subjectName } from '../domain/subject.js';
import type { Clock, Log, Spill, SpilledCredential } from '../ports.js';
import type { ProviderRules } from '../providers/rules.js';

export interface RescueDeps {
  readonly spill: Spill;
  readonly rulesOf: (provider: string) => ProviderRules;
  readonly clock: Clock;
  readonly log: Log;
}

/** What may be done with a successor while nobody knows whether it is stored. */
export interface Rescue {
  /** Lays it down in the second place. Never rejects: there is nothing better to try than what is being tried. */
  put(): Promise<void>;
  /** Takes it away again, once it is stored where it belongs. Never rejects: what stays behind is swept up. */
  remove(): Promise<void>;
}

/** The rescue of one commit's successor. */
export function rescueOf(deps: RescueDeps, after: Connection): Rescue {
  let laid: SpilledCredential | undefined;
  const safely = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch {
      deps.log.error(what, { subject: subjectName(after.subject) });
    }
  };
  return {
    put: () =>
      safely('a refresh token could be stored in neither place', async () => {
        if (laid || after.refreshToken === undefined) return;
        const { subject, enrolment, generation, refreshToken } = after;
        const item = { subject, enrolment, generation, refreshToken, spilledAt: deps.clock() };
        await deps.spill.put(item);
        laid = item;
      }),
    remove: () =>
      safely('a rescued refresh token was left behind', async () => {
        if (laid) await deps.spill.remove(laid);
      }),
  };
}

/**
 * The connection with the successor that an attempt left in the second place, where there is one; undefined otherwise. Where a spent token
 * must not be shown again, not knowing whether there is one is an error.
 * @throws the error of the second place, for single-use tokens
 */
export async function rescued(deps: RescueDeps, connection: Connection): Promise<Connection | undefined> {
  const { rotation } = deps.rulesOf(connection.subject.provider);
  if (rotation === 'none') return undefined;
  try {
    const item = await deps.spill.find(connection.subject);
    if (!item || item.enrolment !== connection.enrolment || item.generation <= connection.generation)
      return undefined;
    const { previous: _, ...rest } = connection;
    return { ...rest, generation: item.generation, refreshToken: item.refreshToken };
  } catch (error) {
    if (rotation === 'single-use') throw error;
    deps.log.warn('the second place cannot be read', { subject: subjectName(connection.subject) });
    return undefined;
  }
}

/** Never rejects: what stays behind is swept up. */
export async function forgetRescued(deps: RescueDeps, connection: Connection): Promise<void> {
  try {
    await deps.spill.remove(connection);
  } catch {
    deps.log.warn('a rescued refresh token was left behind', { subject: subjectName(connection.subject) });
  }
}
