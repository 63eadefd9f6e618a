import { type AuthorizationCode, codeKeys, firstCodePartition } from '../../domain/authorization_code.js';
import type { CodeStore, Random } from '../../ports.js';
import { columnsOf, present, SCHEMA, timeColumn } from './columns.js';
import { all, compare } from './filter.js';
import type { Row, Table } from './table.js';

/** One partition a day: what is over goes away whole. Only the hash of a code is stored. */
export function createCodeStore(table: Table, random: Random): CodeStore {
  return {
    async create(code, value) {
      if (!(await table.insert(codeRow(code, value)))) throw new Error('a code was drawn twice');
    },
    async find(code) {
      const keys = codeKeys(code);
      const stored = keys && (await table.read(keys.partition, keys.row));
      return stored && { value: readCode(stored.row), etag: stored.etag };
    },
    async spend(code, { value, etag }, at) {
      const use = random.uuid();
      const spent = { ...codeRow(code, { ...value, usedAt: at, openUse: use }), use };
      await table.update(spent, etag);
      // The SDK may have retried an update that was applied: whose use the row names decides. It is read for its new etag anyway.
      const stored = await readUse(table, spent);
      return stored?.value.openUse === use ? stored : undefined;
    },
    async settle(code, { value, etag }) {
      const { openUse: use, ...settled } = value;
      const row = present({ ...codeRow(code, settled), use });
      if (await table.update(row, etag)) return true;
      const stored = await readUse(table, row);
      return use !== undefined && stored?.use === use && stored.value.openUse === undefined;
    },
    async sweep(now, limit) {
      const over = all(
        compare('PartitionKey', 'ge', 'code-'),
        compare('PartitionKey', 'lt', firstCodePartition(now)),
      );
      const { rows } = await table.page(over, { size: limit });
      for (const { row, etag } of rows) await table.remove(row, etag);
      return rows.length;
    },
  };
}

async function readUse(table: Table, { partitionKey, rowKey }: Row) {
  const stored = await table.read(partitionKey, rowKey);
  if (!stored) return undefined;
  const use = columnsOf('codes', stored.row).optionalText('use');
  return { value: readCode(stored.row), etag: stored.etag, use };
}

function codeRow(code: string, value: AuthorizationCode): Row {
  const keys = codeKeys(code);
  if (!keys) throw new TypeError('not an authorization code');
  return present({
    partitionKey: keys.partition,
    rowKey: keys.row,
    schema: SCHEMA,
    clientId: value.clientId,
    redirectUri: value.redirectUri,
    challenge: value.challenge,
    resource: value.resource,
    grantId: value.grantId,
    expiresAt: timeColumn(value.expiresAt),
    jkt: value.jkt,
    usedAt: value.usedAt === undefined ? undefined : timeColumn(value.usedAt),
    openUse: value.openUse,
  });
}

function readCode(row: Row): AuthorizationCode {
  const read = columnsOf('codes', row);
  const jkt = read.optionalText('jkt');
  const usedAt = read.optionalTime('usedAt');
  const openUse = read.optionalText('openUse');
  return {
    clientId: read.text('clientId'),
    redirectUri: read.text('redirectUri'),
    challenge: read.text('challenge'),
    resource: read.text('resource'),
    grantId: read.text('grantId'),
    expiresAt: read.time('expiresAt'),
    ...(jkt === undefined ? {} : { jkt }),
    ...(usedAt === undefined ? {} : { usedAt }),
    ...(openUse === undefined ? {} : { openUse }),
  };
}
