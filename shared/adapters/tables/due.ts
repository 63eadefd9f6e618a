import { subjectKey } from '../../domain/subject.js';
import type { DueIndex, DueItem } from '../../ports.js';
import { columnsOf, subjectColumns, timeColumn } from './columns.js';
import type { Table } from './table.js';
import { createTimeIndex } from './time_index.js';

/** When each connection wants to be looked at. */
export function createDueIndex(table: Table): DueIndex {
  return createTimeIndex<DueItem>({
    table,
    name: 'due',
    keyOf: ({ subject, dueAt }) => ({ at: dueAt, key: subjectKey(subject) }),
    toColumns: ({ subject, dueAt, held }) => ({
      ...subjectColumns(subject),
      dueAt: timeColumn(dueAt),
      held,
    }),
    read(row) {
      const read = columnsOf('due', row);
      const item = { subject: read.subject(), dueAt: read.time('dueAt') };
      return row.held === true ? { ...item, held: true } : item;
    },
  });
}
