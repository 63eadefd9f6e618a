import { digest } from '../../domain/digest.js';
import type { CircuitClass, CircuitOpening, CircuitStore, ClosedCircuit, Heartbeat } from '../../ports.js';
import { columnsOf, SCHEMA, timeColumn } from './columns.js';
import type { Row, Table } from './table.js';

const WRITE_TRIES = 5;

interface Circuit extends ClosedCircuit {
  readonly until: number;
}

/** One row an app registration. Instances see an opened circuit within one read. */
export function createCircuitStore(table: Table): CircuitStore {
  const rowOf = (registration: string, { until, openedAt, ...rest }: Circuit): Row => ({
    ...keys('circuit', registration),
    schema: SCHEMA,
    at: timeColumn(until),
    openedAt: timeColumn(openedAt),
    ...rest,
  });
  const find = async (registration: string) => {
    const { partitionKey, rowKey } = keys('circuit', registration);
    const stored = await table.read(partitionKey, rowKey);
    return stored && { ...stored, circuit: readCircuit(stored.row) };
  };
  return {
    openUntil: async (registration) => (await find(registration))?.circuit.until,
    async open(registration, opening) {
      const { until, class: cause, now } = opening;
      for (let attempt = 0; attempt < WRITE_TRIES; attempt++) {
        const stored = await find(registration);
        if (!stored) {
          const circuit = { until, class: cause, openedAt: now, count: 1 };
          if (await table.insert(rowOf(registration, circuit))) return true;
          continue;
        }
        const { circuit, etag } = stored;
        const after = reopened(circuit, opening);
        if (after === circuit) return false;
        if (await table.update(rowOf(registration, after), etag)) return after.class !== circuit.class;
      }
      return false;
    },
    async takeProbe(registration, { until, now }) {
      const stored = await find(registration);
      if (!stored) return true;
      if (stored.circuit.until > now) return false;
      return table.update(rowOf(registration, { ...stored.circuit, until }), stored.etag);
    },
    async look(registration) {
      const stored = await find(registration);
      return stored && withoutEnd(stored.circuit);
    },
    async close(registration) {
      const stored = await find(registration);
      if (!stored || !(await table.remove(stored.row, stored.etag))) return undefined;
      return withoutEnd(stored.circuit);
    },
  };
}

function withoutEnd({ until: _, ...circuit }: Circuit): ClosedCircuit {
  return circuit;
}

/** Still the same opening, unless what was only a time to wait turns out to be a registration that is refused. */
function reopened(known: Circuit, { until, class: cause, now, fromProbe = false }: CircuitOpening): Circuit {
  const isWorse = cause === 'broker_misconfigured' && known.class !== cause;
  if (!isWorse && !fromProbe && known.until >= until) return known;
  return {
    until: fromProbe ? until : Math.max(known.until, until),
    class: isWorse ? cause : known.class,
    openedAt: isWorse ? now : known.openedAt,
    count: known.count + 1,
  };
}

const CLASSES: readonly CircuitClass[] = ['broker_misconfigured', 'transient'];

function readCircuit(row: Row): Circuit {
  const read = columnsOf('circuit', row);
  const until = read.time('at');
  // Rows of the time before there was more than one class have the time alone.
  if (row.class === undefined) return { until, class: 'broker_misconfigured', openedAt: until, count: 1 };
  return {
    until,
    class: read.oneOf('class', CLASSES),
    openedAt: read.time('openedAt'),
    count: read.int('count'),
  };
}

/** When each recurring job last finished: proof that the timer runs. */
export function createHeartbeat(table: Table): Heartbeat {
  return {
    beat: (name, at) => writeTime(table, keys('heartbeat', name), at),
    last: (name) => readTime(table, keys('heartbeat', name)),
  };
}

function keys(kind: string, name: string): { partitionKey: string; rowKey: string } {
  return { partitionKey: digest(kind, name), rowKey: kind };
}

async function readTime(
  table: Table,
  { partitionKey, rowKey }: { partitionKey: string; rowKey: string },
): Promise<number | undefined> {
  const stored = await table.read(partitionKey, rowKey);
  return stored && columnsOf(rowKey, stored.row).time('at');
}

/** Keeps the later of the stored and the given time, whoever else is writing. */
async function writeTime(
  table: Table,
  { partitionKey, rowKey }: { partitionKey: string; rowKey: string },
  at: number,
): Promise<void> {
  const row: Row = { partitionKey, rowKey, schema: SCHEMA, at: timeColumn(at) };
  for (let attempt = 0; attempt < WRITE_TRIES; attempt++) {
    const stored = await table.read(partitionKey, rowKey);
    if (!stored) {
      if (await table.insert(row)) return;
      continue;
    }
    if (columnsOf(rowKey, stored.row).time('at') >= at) return;
    if (await table.update(row, stored.etag)) return;
  }
}
