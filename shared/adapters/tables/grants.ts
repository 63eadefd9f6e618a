import { digest } from '../../domain/digest.js';
import { type Grant, type GrantEndedBy, grantKeys } from '../../domain/grant.js';
import { formatScope } from '../../domain/scope.js';
import { subjectKey } from '../../domain/subject.js';
import type { GrantStore, Page, PageRequest } from '../../ports.js';
import { collect } from './collect.js';
import { columnsOf, present, SCHEMA, subjectColumns, timeColumn } from './columns.js';
import { decodeCursor } from './cursor.js';
import { all, compare } from './filter.js';
import type { Row, StoredRow, Table } from './table.js';

/**
 * Grants live in their subject's partition; a second row in the client's partition points at each of them, so that a
 * client's list is a range read too. The pointer is written first and carries no authority: one without a grant is skipped.
 */
export function createGrantStore(table: Table): GrantStore {
  return {
    async find(grantId) {
      const keys = grantKeys(grantId);
      const stored = keys && (await table.read(keys.partition, keys.row));
      return stored && { value: readGrant(stored.row), etag: stored.etag };
    },
    async create(grant) {
      await table.insert(pointerRow(grant));
      if (!(await table.insert(grantRow(grant)))) throw new Error('a grant id was drawn twice');
    },
    replace: (grant, etag) => table.update(grantRow(grant), etag),
    async ofSubject(subject) {
      const filter = compare('PartitionKey', 'eq', subjectKey(subject));
      const rows = await table.all(filter);
      return rows.map(({ row, etag }) => ({ value: readGrant(row), etag }));
    },
    pageOfSubject: (subject, page) =>
      pageOf(table, { partition: subjectKey(subject), page, read: async ({ row }) => readGrant(row) }),
    ofClient: (clientId, page) =>
      pageOf(table, {
        partition: clientPartition(clientId),
        page,
        read: (pointer) => grantOf(table, pointer),
      }),
  };
}

interface Listing {
  readonly partition: string;
  readonly page: PageRequest;
  readonly read: (stored: StoredRow) => Promise<Grant | undefined>;
}

async function pageOf(table: Table, { partition, page, read }: Listing): Promise<Page<Grant>> {
  const { limit, cursor } = page;
  const start = cursor === undefined ? '' : decodeCursor(cursor).rowKey;
  const filter = all(compare('PartitionKey', 'eq', partition), compare('RowKey', 'gt', start));
  const found = await collect(limit, (options) => table.page(filter, options));
  const grants = await Promise.all(found.rows.map(read));
  return {
    items: grants.filter((grant) => grant !== undefined),
    ...(found.cursor === undefined ? {} : { cursor: found.cursor }),
  };
}

async function grantOf(table: Table, pointer: StoredRow): Promise<Grant | undefined> {
  const grantId = columnsOf('grants', pointer.row).text('grantId');
  const keys = grantKeys(grantId);
  const stored = keys && (await table.read(keys.partition, keys.row));
  return stored && readGrant(stored.row);
}

const ENDED_BY: readonly GrantEndedBy[] = ['subject', 'client', 'connection_ended', 'code_reused'];

function clientPartition(clientId: string): string {
  return `client-${digest('client', clientId)}`;
}

/** Where a grant stands, and what points at it. */
export function grantKeysOf(grant: Grant) {
  const rowKey = digest('grant', grant.grantId);
  return {
    grant: { partitionKey: subjectKey(grant.subject), rowKey },
    pointer: { partitionKey: clientPartition(grant.clientId), rowKey },
  };
}

function pointerRow(grant: Grant): Row {
  return {
    partitionKey: clientPartition(grant.clientId),
    rowKey: digest('grant', grant.grantId),
    schema: SCHEMA,
    grantId: grant.grantId,
  };
}

function grantRow(grant: Grant): Row {
  return present({
    partitionKey: subjectKey(grant.subject),
    rowKey: digest('grant', grant.grantId),
    schema: SCHEMA,
    grantId: grant.grantId,
    ...subjectColumns(grant.subject),
    clientId: grant.clientId,
    resource: grant.resource,
    scope: formatScope(grant.scope),
    createdAt: timeColumn(grant.createdAt),
    expiresAt: timeColumn(grant.expiresAt),
    endedAt: grant.ended && timeColumn(grant.ended.at),
    endedBy: grant.ended?.by,
  });
}

function readGrant(row: Row): Grant {
  const read = columnsOf('grants', row);
  const endedAt = read.optionalTime('endedAt');
  return {
    grantId: read.text('grantId'),
    subject: read.subject(),
    clientId: read.text('clientId'),
    resource: read.text('resource'),
    scope: read.scope('scope'),
    createdAt: read.time('createdAt'),
    expiresAt: read.time('expiresAt'),
    ...(endedAt === undefined
      ? {}
      : {
          ended: { at: endedAt, by: read.oneOf('endedBy', ENDED_BY) },
        }),
  };
}
