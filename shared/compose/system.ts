import { setTimeout as sleep } from 'node:timers/promises';
import { consoleLog, systemClock, systemRandom } from '../adapters/system.js';
import { createTables, type TablesLocation } from '../adapters/tables/service.js';
import type { Table } from '../adapters/tables/table.js';
import type { Clock, Log, Random } from '../ports.js';

/** What a test may put in place of the machine's own. */
export interface System {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly sleep: (ms: number) => Promise<void>;
  /** Opens tables by name; Table Storage's own unless given. */
  readonly tables?: (location: TablesLocation) => (name: string) => Table;
}

/** The machine's own. */
export const SYSTEM: System = {
  clock: systemClock,
  random: systemRandom,
  log: consoleLog,
  sleep: async (ms) => {
    await sleep(ms);
  },
  tables: createTables,
};
