import { Unreadable } from '../../domain/errors.js';
import { type Scope, scopeOf } from '../../domain/scope.js';
import type { Subject } from '../../domain/subject.js';
import type { Row } from './table.js';

/** Rows of a later schema are refused, not guessed at: an older instance must never rewrite what it cannot read. */
export const SCHEMA = 1;

/** Reads columns by name and kind. @throws Unreadable naming table and column, never the value. */
export function columnsOf(table: string, row: Row) {
  const fail = (column: string): never => {
    throw new Unreadable(`${table} row has an unreadable column ${column}`);
  };
  if (row.schema !== SCHEMA) fail('schema');
  const optionalText = (column: string): string | undefined => {
    const value = row[column];
    return value === undefined || typeof value === 'string' ? value : fail(column);
  };
  const text = (column: string): string => optionalText(column) ?? fail(column);
  const optionalTime = (column: string): number | undefined => {
    const value = optionalText(column);
    if (value === undefined) return undefined;
    const time = Date.parse(value);
    return Number.isNaN(time) ? fail(column) : time;
  };
  return {
    text,
    optionalText,
    optionalTime,
    time: (column: string): number => optionalTime(column) ?? fail(column),
    int(column: string): number {
      const value = row[column];
      return typeof value === 'number' && Number.isSafeInteger(value) ? value : fail(column);
    },
    oneOf<const T extends string>(column: string, allowed: readonly T[]): T {
      const value = text(column);
      return allowed.find((candidate) => candidate === value) ?? fail(column);
    },
    scope: (column: string): Scope => scopeOf(text(column).split(' ').filter(Boolean)),
    subject: (): Subject => ({ provider: text('provider'), tenant: text('tenant'), id: text('objectId') }),
  };
}

export function subjectColumns(subject: Subject): Record<string, string> {
  return { provider: subject.provider, tenant: subject.tenant, objectId: subject.id };
}

/** ISO 8601 in UTC: sorts as text and reads as a date in any tool. */
export function timeColumn(time: number): string {
  return new Date(time).toISOString();
}

/** Leaves out what is undefined, so that an absent value is an absent column. */
export function present<T extends Record<string, string | number | boolean | undefined>>(columns: T): T {
  for (const name of Object.keys(columns)) {
    if (columns[name] === undefined) delete columns[name];
  }
  return columns;
}
