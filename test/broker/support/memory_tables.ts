import { createMemoryTable } from '../../support/memory_table.js';
import type { TestTables } from './tables.js';

/** Tables in this process, for tests of many users: the rules of the real ones are tested elsewhere. */
export function memoryTables(clock: () => number): Pick<TestTables, 'table' | 'name'> {
  const tables = new Map<string, ReturnType<typeof createMemoryTable>>();
  let count = 0;
  const name = () => `memory${++count}`;
  return {
    name,
    table(given = name()) {
      const table = tables.get(given) ?? createMemoryTable(clock);
      tables.set(given, table);
      return table;
    },
  };
}
