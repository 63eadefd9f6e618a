import { Unreadable } from '../../domain/errors.js';
import { subjectKey } from '../../domain/subject.js';
import type { Spill, SpilledCredential } from '../../ports.js';
import { collect } from './collect.js';
import { columnsOf, SCHEMA, subjectColumns, timeColumn } from './columns.js';
import { decodeCursor } from './cursor.js';
import { all, compare } from './filter.js';
import type { Row, Table } from './table.js';

const ROW = 'successor';
const WRITE_TRIES = 5;

/** One row a subject, in a table that is empty but for the trouble of the moment. */
export function createSpill(table: Table): Spill {
  return {
    async put(item) {
      for (let attempt = 0; attempt < WRITE_TRIES; attempt++) {
        const stored = await table.read(subjectKey(item.subject), ROW);
        if (!stored) {
          if (await table.insert(rowOf(item))) return;
          continue;
        }
        if (isLater(readSpilled(stored.row), item)) return;
        if (await table.update(rowOf(item), stored.etag)) return;
      }
      throw new Error('a spilled credential met conflicts without end');
    },
    async find(subject) {
      const stored = await table.read(subjectKey(subject), ROW);
      return stored && readSpilled(stored.row);
    },
    async remove({ subject, enrolment, generation }) {
      const stored = await table.read(subjectKey(subject), ROW);
      if (!stored) return;
      const there = readSpilled(stored.row);
      if (there.enrolment !== enrolment || there.generation !== generation) return;
      await table.remove(stored.row, stored.etag);
    },
    async list({ limit, cursor }) {
      const after = cursor === undefined ? '' : decodeCursor(cursor).partitionKey;
      const filter = all(compare('PartitionKey', 'gt', after), compare('RowKey', 'eq', ROW));
      const found = await collect(limit, (options) => table.page(filter, options));
      const items = found.rows.flatMap(({ row }) => readable(row));
      return {
        items,
        unreadable: found.rows.length - items.length,
        ...(found.cursor === undefined ? {} : { cursor: found.cursor }),
      };
    },
  };
}

function isLater(there: SpilledCredential, item: SpilledCredential): boolean {
  return there.enrolment === item.enrolment && there.generation > item.generation;
}

function rowOf({ subject, enrolment, generation, refreshToken, spilledAt }: SpilledCredential): Row {
  return {
    partitionKey: subjectKey(subject),
    rowKey: ROW,
    schema: SCHEMA,
    ...subjectColumns(subject),
    enrolment,
    generation,
    refreshToken,
    spilledAt: timeColumn(spilledAt),
  };
}

/** One row that cannot be read must not keep all others from their place. */
function readable(row: Row): readonly SpilledCredential[] {
  try {
    return [readSpilled(row)];
  } catch (error) {
    if (error instanceof Unreadable) return [];
    throw error;
  }
}

function readSpilled(row: Row): SpilledCredential {
  const read = columnsOf('spill', row);
  return {
    subject: read.subject(),
    enrolment: read.text('enrolment'),
    generation: read.int('generation'),
    refreshToken: read.text('refreshToken'),
    spilledAt: read.time('spilledAt'),
  };
}
