import { subjectName } from '../domain/subject.js';
import type { RetryOutcome, UpkeepStatus } from '../flows/operate_upkeep.js';
import type { SweepReport } from '../flows/sweep.js';
import type { OutboxEntry, Quarantined } from '../ports.js';

export function statusLines(status: UpkeepStatus): readonly string[] {
  const { lastRun, now, round } = status;
  const ago =
    lastRun === undefined ? 'never' : `${time(lastRun)} (${Math.round((now - lastRun) / 1000)} s ago)`;
  return [
    `timer         last run ${ago}`,
    `due           ${status.due} now, ${status.dueWithinAnHour} more within an hour`,
    ...status.providers.map(
      (one) =>
        `provider      ${one.provider}: ${one.tried} tried, ${one.died} died within the hour${holding(one)}` +
        (one.circuitUntil === undefined ? '' : `, circuit open until ${time(one.circuitUntil)}`),
    ),
    `quarantine    ${status.quarantined}`,
    `events        ${status.eventsGivenUp} given up`,
    ...(status.unreadable > 0 ? [`unreadable    ${status.unreadable} rows of quarantine and events`] : []),
    `daily round   ${round ? `began ${time(round.startedAt)}${round.done ? ', done' : ', under way'}` : 'not yet'}`,
  ];
}

function holding({
  holdingSince,
  confirmedUntil,
}: {
  holdingSince?: number;
  confirmedUntil?: number;
}): string {
  if (confirmedUntil !== undefined) return `, believed until ${time(confirmedUntil)}`;
  return holdingSince === undefined ? '' : `, NOT believed since ${time(holdingSince)}`;
}

export function guardLines(
  provider: string,
  state: { tried: number; died: number; holdingSince?: number; confirmedUntil?: number },
): readonly string[] {
  return [`${provider}: ${state.tried} tried, ${state.died} died within the hour${holding(state)}`];
}

export function retryLine(outcome: RetryOutcome): string {
  switch (outcome.kind) {
    case 'no_such_grant':
      return 'there is no such grant';
    case 'no_connection':
      return 'its user has no living connection: the user must sign in and connect again';
    case 'busy':
      return 'not tried: somebody else is refreshing it, or the rate leaves no room; look again in a minute';
    case 'tried':
      return outcome.failures.length === 0
        ? `${outcome.subject}: ${outcome.state}, nothing fails`
        : `${outcome.subject}: ${outcome.state}, still failing: ${outcome.failures.join('; ')}`;
  }
}

export function quarantineLines(entries: readonly Quarantined[]): readonly string[] {
  if (entries.length === 0) return ['nothing is set aside'];
  return entries.map(({ id, what, subject, why, times, firstAt, nextTryAt }) => {
    const whose = subject ? ` ${subjectName(subject)}` : '';
    const next = nextTryAt === undefined ? '' : `, tried again ${time(nextTryAt)}`;
    return `${id}  ${what}${whose}: ${why} (${times} times since ${time(firstAt)}${next})`;
  });
}

export function reapLines(report: SweepReport, dryRun: boolean): readonly string[] {
  const would = dryRun ? ' (dry run: nothing was changed)' : '';
  return [
    `${report.connections} connections looked at, ${report.unreadable} unreadable${would}`,
    ...Object.entries(report.reaped).map(([reason, count]) => `  ${reason.padEnd(12)} ${count}`),
    `  ${'mended'.padEnd(12)} ${report.mended}`,
    ...(dryRun ? [] : [`  ${'forgotten'.padEnd(12)} ${report.forgotten}`]),
  ];
}

export function eventLines(entries: readonly OutboxEntry[]): readonly string[] {
  if (entries.length === 0) return ['no event was given up'];
  return entries.map(
    ({ event, attempts, lastError = '' }) =>
      `${event.id}  ${event.type} of ${event.subject}, ${time(event.at)}: ${attempts} tries, ${lastError}`,
  );
}

function time(at: number): string {
  return new Date(at).toISOString();
}
