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
  /** Lays it down in the second place; false when that is away too. Never rejects: there is nothing better to try. */
  put(): Promise<boolean>;
  /** The provider has spent the predecessor: what is lost now is lost for good. */
  readonly isVital: boolean;
  /** Takes it away again, once it is stored where it belongs. Never rejects: what stays behind is swept up. */
  remove(): Promise<void>;
}

/** The rescue of one commit's successor. */
export function rescueOf(deps: RescueDeps, after: Connection): Rescue {
  let laid: SpilledCredential | undefined;
  const lay = async (): Promise<void> => {
    const { subject, enrolment, generation, refreshToken } = after;
    if (laid || refreshToken === undefined) return;
    const item = { subject, enrolment, generation, refreshToken, spilledAt: deps.clock() };
    await deps.spill.put(item);
    laid = item;
  };
  const safely = async (what: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch {
      deps.log.error(what, { subject: subjectName(after.subject) });
      return false;
    }
  };
  return {
    isVital: deps.rulesOf(after.subject.provider).rotation === 'single-use',
    put: () => safely('a refresh token can be stored in neither place', lay),
    async remove() {
      if (laid) await safely('a rescued refresh token was left behind', () => deps.spill.remove(after));
    },
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
    return item && withRescued(connection, item);
  } catch (error) {
    if (rotation === 'single-use') throw error;
    deps.log.warn('the second place cannot be read', { subject: subjectName(connection.subject) });
    return undefined;
  }
}

/** The connection with what was laid down for it; undefined where that is not its successor. */
export function withRescued(connection: Connection, item: SpilledCredential): Connection | undefined {
  const { previous: _, ...rest } = connection;
  const isSuccessor = item.enrolment === connection.enrolment && item.generation > connection.generation;
  if (connection.state !== 'active' || !isSuccessor) return undefined;
  return { ...rest, generation: item.generation, refreshToken: item.refreshToken };
}

/** Never rejects: what stays behind is swept up. */
export async function forgetRescued(deps: RescueDeps, connection: Connection): Promise<void> {
  try {
    await deps.spill.remove(connection);
  } catch {
    deps.log.warn('a rescued refresh token was left behind', { subject: subjectName(connection.subject) });
  }
}
