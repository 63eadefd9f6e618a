import { type Connection, type KeptToken, type Target, targetKey } from '../../domain/connection.js';
import { Unreadable } from '../../domain/errors.js';
import { type Failure, REFRESH_CLASSES } from '../../domain/refresh_result.js';
import { formatScope } from '../../domain/scope.js';
import { type Subject, subjectKey } from '../../domain/subject.js';
import type { ConnectionStore, KeptChanges } from '../../ports.js';
import { columnsOf, present, SCHEMA, subjectColumns, timeColumn } from './columns.js';
import { all, compare } from './filter.js';
import { membershipColumn, readMembership } from './membership_columns.js';
import type { Change, Row, StoredRow, Table } from './table.js';

export const CONNECTION_ROW = 'connection';
const TOKEN_PREFIX = 'token-';
const CREDENTIAL_KINDS = ['refresh_token', 'access_token', 'session'] as const;

/** One partition a subject: its connection and the provider tokens kept with it, so that they change together. */
export function createConnectionStore(table: Table): ConnectionStore {
  return {
    async find(subject) {
      const stored = await table.read(subjectKey(subject), CONNECTION_ROW);
      if (!stored) return undefined;
      const { row, etag, ageMs } = stored;
      return { value: connectionFrom(row), etag, ...(ageMs === undefined ? {} : { ageMs }) };
    },
    create: (connection, changes) =>
      table.commit([{ kind: 'insert', row: connectionRow(connection) }, ...keptChanges(connection, changes)]),
    replace: (connection, etag, changes) =>
      table.commit([
        { kind: 'update', row: connectionRow(connection), etag },
        ...keptChanges(connection, changes),
      ]),
    async keptToken(subject, target) {
      const stored = await table.read(subjectKey(subject), tokenRowKey(target));
      return stored && readKept(stored.row);
    },
    async keptTokens(subject) {
      return (await tokenRows(table, subject)).map(({ row }) => readKept(row));
    },
  };
}

async function tokenRows(table: Table, subject: Subject): Promise<readonly StoredRow[]> {
  const filter = all(
    compare('PartitionKey', 'eq', subjectKey(subject)),
    compare('RowKey', 'ge', TOKEN_PREFIX),
    compare('RowKey', 'lt', `${TOKEN_PREFIX}~`),
  );
  return table.all(filter);
}

function tokenRowKey(target: Target): string {
  return `${TOKEN_PREFIX}${targetKey(target)}`;
}

function keptChanges({ subject }: Connection, changes: KeptChanges = {}): Change[] {
  const partitionKey = subjectKey(subject);
  const keep = (changes.keep ?? []).map((kept): Change => ({ kind: 'put', row: keptRow(kept) }));
  const drop = (changes.drop ?? []).map(
    (target): Change => ({ kind: 'drop', row: { partitionKey, rowKey: tokenRowKey(target) } }),
  );
  return [...keep, ...drop];
}

function connectionRow(connection: Connection): Row {
  const { subject, claim, previous } = connection;
  return present({
    partitionKey: subjectKey(subject),
    rowKey: CONNECTION_ROW,
    schema: SCHEMA,
    ...subjectColumns(subject),
    state: connection.state,
    enrolment: connection.enrolment,
    generation: connection.generation,
    refreshToken: connection.refreshToken,
    credentialKind: connection.credentialKind,
    credentialEndsAt: optionalTimeColumn(connection.credentialEndsAt),
    previousRefreshToken: previous?.refreshToken,
    previousUntil: previous && timeColumn(previous.until),
    membership: connection.membership && membershipColumn(connection.membership),
    provenAt: optionalTimeColumn(connection.membership?.provenAt),
    createdAt: timeColumn(connection.createdAt),
    renewedAt: timeColumn(connection.renewedAt),
    refreshedAt: timeColumn(connection.refreshedAt),
    endedAt: optionalTimeColumn(connection.endedAt),
    claimAttemptId: claim?.attemptId,
    claimAgedMs: claim?.agedMs,
    lastAttemptId: connection.lastAttemptId,
    dueAt: optionalTimeColumn(connection.dueAt),
  });
}

function optionalTimeColumn(time: number | undefined): string | undefined {
  return time === undefined ? undefined : timeColumn(time);
}

/** @throws Unreadable */
export function connectionFrom(row: Row): Connection {
  const read = columnsOf('connections', row);
  const previous = read.optionalText('previousRefreshToken');
  const attemptId = read.optionalText('claimAttemptId');
  const optional = {
    refreshToken: read.optionalText('refreshToken'),
    credentialKind:
      row.credentialKind === undefined ? undefined : read.oneOf('credentialKind', CREDENTIAL_KINDS),
    credentialEndsAt: read.optionalTime('credentialEndsAt'),
    membership: readMembership(row),
    endedAt: read.optionalTime('endedAt'),
    lastAttemptId: read.optionalText('lastAttemptId'),
    dueAt: read.optionalTime('dueAt'),
    previous:
      previous === undefined ? undefined : { refreshToken: previous, until: read.time('previousUntil') },
    claim:
      attemptId === undefined
        ? undefined
        : { attemptId, ...(row.claimAgedMs === undefined ? {} : { agedMs: read.int('claimAgedMs') }) },
  };
  return {
    subject: read.subject(),
    state: read.oneOf('state', ['active', 'dead', 'ended']),
    enrolment: read.text('enrolment'),
    generation: read.int('generation'),
    createdAt: read.time('createdAt'),
    renewedAt: read.time('renewedAt'),
    refreshedAt: read.time('refreshedAt'),
    ...defined(optional),
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Drops undefined members: with `exactOptionalPropertyTypes` an absent member is not an undefined one. */
function defined<T extends object>(members: T): Defined<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function keptRow(kept: KeptToken): Row {
  const { subject, target, token, failure } = kept;
  return present({
    partitionKey: subjectKey(subject),
    rowKey: tokenRowKey(target),
    schema: SCHEMA,
    ...subjectColumns(subject),
    resource: target.resource,
    askedScope: formatScope(target.scope),
    facade: target.facade,
    claims: target.claims,
    enrolment: kept.enrolment,
    generation: kept.generation,
    token: token?.sealed,
    scope: token && formatScope(token.scope),
    obtainedAt: token && timeColumn(token.obtainedAt),
    expiresAt: token && timeColumn(token.expiresAt),
    failure: failure && JSON.stringify(failure),
  });
}

function readKept(row: Row): KeptToken {
  const read = columnsOf('connections', row);
  const resource = read.optionalText('resource');
  const facade = read.optionalText('facade');
  const claims = read.optionalText('claims');
  const sealed = read.optionalText('token');
  const failure = read.optionalText('failure');
  const obtainedAt = read.optionalTime('obtainedAt');
  const token = obtainedAt !== undefined && {
    ...(sealed === undefined ? {} : { sealed }),
    scope: read.scope('scope'),
    obtainedAt,
    expiresAt: read.time('expiresAt'),
  };
  return {
    subject: read.subject(),
    target: {
      ...(resource === undefined ? {} : { resource }),
      scope: read.scope('askedScope'),
      ...(facade === undefined ? {} : { facade }),
      ...(claims === undefined ? {} : { claims }),
    },
    enrolment: read.text('enrolment'),
    generation: read.int('generation'),
    ...(token ? { token } : {}),
    ...(failure === undefined ? {} : { failure: readFailure(failure) }),
  };
}

function readFailure(text: string): Failure {
  const value = parse(text);
  const known = REFRESH_CLASSES.find((name) => name === value.class);
  const { count, firstAt, at, error, codes, claims, nextAttemptAt, attempts, failingSince } = value;
  const numbers = typeof count === 'number' && typeof firstAt === 'number' && typeof at === 'number';
  if (!known || !numbers || typeof error !== 'string' || !isNumbers(codes)) {
    throw new Unreadable('connections row has an unreadable column failure');
  }
  return {
    class: known,
    count,
    firstAt,
    at,
    error,
    codes,
    ...(typeof attempts === 'number' ? { attempts } : {}),
    ...(typeof failingSince === 'number' ? { failingSince } : {}),
    ...(typeof claims === 'string' ? { claims } : {}),
    ...(typeof nextAttemptAt === 'number' ? { nextAttemptAt } : {}),
  };
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}
