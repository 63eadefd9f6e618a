import { type KeptToken, withAgedClaim } from '../domain/connection.js';
import type { Tally } from '../domain/death_guard.js';
import { subjectName } from '../domain/subject.js';
import type {
  Archive,
  AuditLog,
  CircuitStore,
  Clock,
  ConnectionStore,
  DueIndex,
  DueItem,
  GrantStore,
  GuardState,
  Heartbeat,
  Outbox,
  OutboxEntry,
  Quarantine,
  Quarantined,
  Random,
} from '../ports.js';
import type { DeathGuard } from './death_guard.js';
import { type FindDue, UPKEEP_HEARTBEAT } from './find_due.js';
import type { Sweep, SweepReport } from './sweep.js';
import type { WorkDue } from './upkeep.js';

export interface UpkeepStatus {
  /** ms */
  readonly now: number;
  readonly lastRun?: number;
  /** Counted up to {@link MOST_COUNTED}. */
  readonly due: number;
  readonly dueWithinAnHour: number;
  readonly providers: readonly (Tally &
    GuardState & { readonly provider: string; readonly circuitUntil?: number })[];
  readonly quarantined: number;
  readonly eventsGivenUp: number;
  /** Rows of both that cannot be read. */
  readonly unreadable: number;
  readonly round?: { readonly startedAt: number; readonly done: boolean };
}

export type RetryOutcome =
  | { readonly kind: 'no_such_grant' | 'no_connection' | 'busy' }
  | {
      readonly kind: 'tried';
      readonly subject: string;
      readonly state: string;
      readonly failures: readonly string[];
    };

/** What an operator can see and do. Everything that changes something is on the audit first. */
export interface OperateUpkeep {
  status(): Promise<UpkeepStatus>;
  /** How many one run would look at. */
  preview(): Promise<number>;
  /** One run, here; answers how many were handed out. */
  run(): Promise<number>;
  /** Tries everything of a grant's connection that fails, whatever wait it is in. */
  retry(grantId: string): Promise<RetryOutcome>;
  quarantined(): Promise<readonly Quarantined[]>;
  release(id: string): Promise<boolean>;
  reap(dryRun: boolean): Promise<SweepReport>;
  guard(provider: string, does: 'show' | 'confirm' | 'clear'): Promise<Tally & GuardState>;
  givenUp(): Promise<readonly OutboxEntry[]>;
  revive(eventId: string): Promise<boolean>;
}

interface Deps {
  readonly due: DueIndex;
  readonly heartbeat: Heartbeat;
  readonly circuits: CircuitStore;
  readonly deathGuard: DeathGuard;
  readonly providers: readonly string[];
  readonly quarantine: Quarantine;
  readonly outbox: Outbox;
  readonly archive: Archive;
  readonly grants: GrantStore;
  readonly connections: ConnectionStore;
  readonly findDue: FindDue;
  readonly workDue: WorkDue;
  readonly sweep: Sweep;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly random: Random;
}

export const MOST_COUNTED = 100_000;
const LISTED = 1000;
const HOUR = 3_600_000;

export function createOperateUpkeep(deps: Deps): OperateUpkeep {
  const acted = (what: string) =>
    deps.audit.append({
      id: deps.random.uuid(),
      at: deps.clock(),
      type: 'operator.acted',
      actor: 'operator',
      reason: what,
    });
  return {
    status: () => statusOf(deps),
    preview: () => deps.due.count(deps.clock(), MOST_COUNTED),
    async run() {
      await acted('refresh run');
      const batches = await deps.findDue();
      for (const batch of batches) await deps.workDue(batch);
      return batches.flat().length;
    },
    async retry(grantId) {
      const found = await deps.grants.find(grantId);
      if (!found) return { kind: 'no_such_grant' };
      await acted(`refresh retry ${subjectName(found.value.subject)}`);
      return retry(deps, found.value.subject);
    },
    async quarantined() {
      return (await deps.quarantine.list({ limit: LISTED })).items;
    },
    async release(id) {
      const entry = await deps.quarantine.find(id);
      if (!entry) return false;
      await acted(`quarantine release ${id}`);
      if (entry.subject) await deps.due.put({ subject: entry.subject, dueAt: deps.clock() });
      return deps.quarantine.remove(id);
    },
    async reap(dryRun) {
      if (dryRun) return deps.sweep.dryRun();
      await acted('reap');
      return deps.sweep.slice();
    },
    async guard(provider, does) {
      if (does !== 'show') await acted(`guard ${does} ${provider}`);
      if (does === 'confirm') await deps.deathGuard.confirm(provider);
      if (does === 'clear') await deps.deathGuard.clear(provider);
      return deps.deathGuard.look(provider);
    },
    async givenUp() {
      return (await deps.outbox.dead({ limit: LISTED })).items;
    },
    async revive(eventId) {
      await acted(`events revive ${eventId}`);
      return deps.outbox.revive(eventId, deps.clock());
    },
  };
}

async function statusOf(deps: Deps): Promise<UpkeepStatus> {
  const now = deps.clock();
  const [lastRun, due, soon, quarantined, dead, position] = await Promise.all([
    deps.heartbeat.last(UPKEEP_HEARTBEAT),
    deps.due.count(now, MOST_COUNTED),
    deps.due.count(now + HOUR, MOST_COUNTED),
    deps.quarantine.list({ limit: LISTED }),
    deps.outbox.dead({ limit: LISTED }),
    deps.archive.position(),
  ]);
  const providers = await Promise.all(
    deps.providers.map(async (provider) => {
      const until = await deps.circuits.openUntil(provider);
      const open = until !== undefined && until > now ? { circuitUntil: until } : {};
      return { provider, ...(await deps.deathGuard.look(provider)), ...open };
    }),
  );
  return {
    now,
    ...(lastRun === undefined ? {} : { lastRun }),
    due,
    dueWithinAnHour: soon - due,
    providers,
    quarantined: quarantined.items.length,
    eventsGivenUp: dead.items.length,
    unreadable: quarantined.unreadable + dead.unreadable,
    ...(position ? { round: { startedAt: position.startedAt, done: position.after === undefined } } : {}),
  };
}

/** The waits are taken off first: a refresh asks nobody before its time. */
async function retry(deps: Deps, subject: DueItem['subject']): Promise<RetryOutcome> {
  const now = deps.clock();
  const found = await deps.connections.find(subject);
  if (found?.value.state !== 'active') return { kind: 'no_connection' };
  const kept = await deps.connections.keptTokens(subject);
  const waiting = kept.flatMap((token): KeptToken[] =>
    token.failure ? [{ ...token, failure: { ...token.failure, nextAttemptAt: now } }] : [],
  );
  const item = { subject, dueAt: now };
  await deps.due.put(item);
  const ready = { ...withAgedClaim(found), dueAt: now };
  if (!(await deps.connections.replace(ready, found.etag, { keep: waiting }))) return { kind: 'busy' };
  await deps.workDue([item]);
  const after = await deps.connections.find(subject);
  const failures = (await deps.connections.keptTokens(subject)).flatMap(({ failure }) =>
    failure ? [`${failure.class}: ${failure.error}`] : [],
  );
  // Nobody was asked then, and nothing of the user's says so.
  if (((await deps.circuits.openUntil(subject.provider)) ?? 0) > now) failures.push('circuit open');
  // Somebody else has it, or there was no room for it: nothing was tried that could have failed.
  const left = after?.value.state === 'active' && after.value.dueAt === now;
  if (failures.length === 0 && left) return { kind: 'busy' };
  return { kind: 'tried', subject: subjectName(subject), state: after?.value.state ?? 'gone', failures };
}
