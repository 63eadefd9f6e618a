import type { Connection, FreshnessRules, KeptToken } from '../domain/connection.js';
import { targetKey } from '../domain/connection.js';
import { type DueTarget, dueTargets, upkeepTargets } from '../domain/upkeep.js';
import type { Policy } from '../policy.js';
import type { Clock, ConnectionStore, DueIndex, GrantStore } from '../ports.js';
import { freshnessOf, type ProviderRules } from '../providers/rules.js';

/** What a connection's grants want kept fresh, soonest first. */
export type PlanUpkeep = (
  connection: Connection,
  known?: {
    /** Counted as if it were stored already. */
    readonly changed?: readonly KeptToken[];
    /** What is stored, where that has just been read. */
    readonly stored?: readonly KeptToken[];
  },
) => Promise<readonly DueTarget[]>;

interface Deps {
  readonly policy: Policy;
  readonly grants: GrantStore;
  readonly connections: ConnectionStore;
  /** As set for all providers. */
  readonly rules: FreshnessRules;
  readonly rulesOf: (provider: string) => ProviderRules;
  readonly clock: Clock;
}

export function createPlanUpkeep(deps: Deps): PlanUpkeep {
  return async (connection, { changed = [], stored: read } = {}) => {
    const now = deps.clock();
    const grants = await deps.grants.ofSubject(connection.subject);
    const values = grants.map(({ value }) => value);
    const targets = upkeepTargets(values, deps.policy.resources, now);
    if (targets.length === 0) return [];
    const stored = read ?? (await deps.connections.keptTokens(connection.subject));
    const changedKeys = new Set(changed.map((kept) => targetKey(kept.target)));
    const others = stored.filter((kept) => !changedKeys.has(targetKey(kept.target)));
    return dueTargets(targets, [...others, ...changed], {
      rules: freshnessOf(deps.rulesOf(connection.subject.provider), deps.rules),
      enrolment: connection.enrolment,
      now,
    });
  };
}

/**
 * Moves a connection's entry in the due index around a write of the connection. The new entry is put first: a crash in between
 * leaves an entry too many, which the worker drops, and never one too few.
 * @param write answers whether it was applied
 */
export async function withDueEntry(
  due: DueIndex,
  change: { before: Connection | undefined; after: Connection },
  write: () => Promise<boolean>,
): Promise<boolean> {
  const { before, after } = change;
  const moved = before?.dueAt !== after.dueAt;
  if (moved && after.dueAt !== undefined) await due.put({ subject: after.subject, dueAt: after.dueAt });
  const applied = await write();
  if (applied && moved && before?.dueAt !== undefined) {
    await due.remove({ subject: before.subject, dueAt: before.dueAt });
  }
  return applied;
}
