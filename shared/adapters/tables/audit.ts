import { AUDIT_EVENT_TYPES, type AuditEvent, type RefreshFailure } from '../../domain/audit_event.js';
import { digest } from '../../domain/digest.js';
import type { ErrorCode } from '../../domain/errors.js';
import { REFRESH_CLASSES } from '../../domain/refresh_result.js';
import type { AuditLog, AuditMatch, FailureLog, FailureMatch } from '../../ports.js';
import { columnsOf, present, SCHEMA, timeColumn } from './columns.js';
import { createEventLog } from './event_log.js';
import type { Row, Table } from './table.js';

/** The audit record: one row an event, written before the token it tells of leaves. */
export function createAuditLog(table: Table): AuditLog {
  return createEventLog<AuditEvent, AuditMatch>({
    table,
    toRow: auditRow,
    fromRow: readAuditEvent,
    columns: {
      type: 'type',
      subject: 'subject',
      clientId: 'clientId',
      resource: 'resource',
      grantId: 'grantId',
    },
  });
}

/** The failure log: one row a failed refresh attempt. */
export function createFailureLog(table: Table): FailureLog {
  return createEventLog<RefreshFailure, FailureMatch>({
    table,
    toRow: failureRow,
    fromRow: readRefreshFailure,
    columns: {
      subject: 'subject',
      provider: 'provider',
      class: 'class',
      resource: 'resource',
      clientId: clientColumn,
    },
  });
}

const CLIENT_PREFIX = 'client_';

/** Table Storage compares whole columns only: each client of a row has one, so that every one of them finds it. */
function clientColumn(clientId: string): string {
  return `${CLIENT_PREFIX}${digest('client column', clientId).replaceAll('-', '_')}`;
}

type Columns = Record<string, string | number | boolean | undefined>;

const TEXTS = [
  'subject',
  'clientId',
  'actor',
  'resource',
  'scope',
  'requestedScope',
  'droppedScope',
  'widerScope',
  'grantId',
  'grantType',
  'tokenId',
  'reason',
  'correlationId',
  'policyHash',
  'policyRevision',
] as const;

function auditRow(event: AuditEvent): Columns {
  const row: Columns = { ...event, schema: SCHEMA, at: timeColumn(event.at) };
  if (event.expiresAt !== undefined) row.expiresAt = timeColumn(event.expiresAt);
  return row;
}

function readAuditEvent(row: Row): AuditEvent {
  const read = columnsOf('audit', row);
  const texts = Object.fromEntries(
    TEXTS.map((name) => [name, read.optionalText(name)]).filter(([, value]) => value !== undefined),
  );
  const expiresAt = read.optionalTime('expiresAt');
  const error = read.optionalText('error');
  return {
    ...texts,
    id: read.text('id'),
    at: read.time('at'),
    type: read.oneOf('type', AUDIT_EVENT_TYPES),
    ...(row.scopeOmitted === true ? { scopeOmitted: true as const } : {}),
    ...(row.count === undefined ? {} : { count: read.int('count') }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(row.narrowing === undefined
      ? {}
      : { narrowing: read.oneOf('narrowing', ['minted', 'provider', 'none']) }),
    // Written by this code from the closed union; a reader has no use for refusing an older one.
    ...(error === undefined ? {} : { error: error as ErrorCode }),
  };
}

function failureRow(failure: RefreshFailure): Columns {
  const { at, nextAttemptAt, failingSince, codes, clients = [], ...rest } = failure;
  return present({
    ...rest,
    ...Object.fromEntries(clients.map((clientId) => [clientColumn(clientId), clientId])),
    schema: SCHEMA,
    at: timeColumn(at),
    codes: codes.join(' '),
    nextAttemptAt: nextAttemptAt === undefined ? undefined : timeColumn(nextAttemptAt),
    failingSince: failingSince === undefined ? undefined : timeColumn(failingSince),
  });
}

function readClients(row: Row): readonly string[] {
  const columns = Object.entries(row).filter(([name]) => name.startsWith(CLIENT_PREFIX));
  return columns.flatMap(([, value]) => (typeof value === 'string' ? [value] : [])).sort();
}

function readRefreshFailure(row: Row): RefreshFailure {
  const read = columnsOf('refreshFailures', row);
  const optional = {
    resource: read.optionalText('resource'),
    scope: read.optionalText('scope'),
    suberror: read.optionalText('suberror'),
    claims: read.optionalText('claims'),
    traceId: read.optionalText('traceId'),
    facade: read.optionalText('facade'),
  };
  const nextAttemptAt = read.optionalTime('nextAttemptAt');
  const failingSince = read.optionalTime('failingSince');
  const clients = readClients(row);
  return {
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    id: read.text('id'),
    at: read.time('at'),
    subject: read.text('subject'),
    provider: read.text('provider'),
    class: read.oneOf('class', [...REFRESH_CLASSES, 'recovered']),
    status: read.int('status'),
    error: read.text('error'),
    codes: read.text('codes').split(' ').filter(Boolean).map(Number),
    attempt: read.int('attempt'),
    cause: read.oneOf('cause', ['timer', 'token', 'take_over']),
    action: read.text('action'),
    ...(clients.length === 0 ? {} : { clients }),
    ...(nextAttemptAt === undefined ? {} : { nextAttemptAt }),
    ...(failingSince === undefined ? {} : { failingSince }),
    ...(row.recoveredFrom === undefined
      ? {}
      : { recoveredFrom: read.oneOf('recoveredFrom', REFRESH_CLASSES) }),
  };
}
