import type { Clock, Random } from '../../ports.js';
import { columnsOf, SCHEMA } from './columns.js';
import { compare } from './filter.js';
import type { StoredRow, Table } from './table.js';

/**
 * What instances tell each other: of these subjects nothing read before may be served again. One short range read now and then, however
 * many users are remembered, takes the place of reading each of them again.
 */
export interface Notices {
  /** Durable before the change it is about is made: nobody may remember what nobody is told of. @throws the store's refusal */
  announce(subjectKey: string): Promise<void>;
  /** Whether what was read then may be served now. Says no, and listens, when nothing was heard for a while. */
  isUsable(subjectKey: string, readAt: number): boolean;
}

interface Deps {
  readonly table: Table;
  readonly clock: Clock;
  readonly random: Random;
}

const MINUTE = 60_000;
/** Listening again is due after this, ms. */
const LISTEN_MS = 1500;
/** Who has heard nothing for so long reads for itself: an end made elsewhere is seen within this time, ms. */
export const HEARD_MS = 4000;
/**
 * A notice comes before its change. What is read of the subject so long after the notice was heard may still be from before the change, and
 * is not served again, ms. Longer than a write with its retries; a refresh that was under way loses to the etag.
 */
const UNSETTLED_MS = 30_000;
/** How far behind another instance's clock may be, ms. */
const SKEW_MS = 3 * MINUTE;
/** After this nothing is served any more that a notice could be about, ms. */
const FORGOTTEN_MS = 10 * MINUTE;
/** After this nobody listens for a notice any more, ms. */
const KEPT_MS = 60 * MINUTE;
/** Old notices are cleared away with every so-manieth new one. */
const SWEEP_EVERY = 50;

export function createNotices({ table, clock, random }: Deps): Notices {
  const heardOf = new Map<string, number>();
  const known = new Map<string, number>();
  let heardAt: number | undefined;
  let isListening = false;
  let announced = 0;

  const listen = async (): Promise<void> => {
    const now = clock();
    const rows = await table.all(compare('PartitionKey', 'ge', minuteOf((heardAt ?? now) - SKEW_MS)));
    for (const { row } of rows) {
      if (known.has(row.rowKey)) continue;
      known.set(row.rowKey, now);
      heardOf.set(columnsOf('notices', row).text('subjectKey'), now);
    }
    forgetBefore(known, now - FORGOTTEN_MS);
    forgetBefore(heardOf, now - FORGOTTEN_MS);
    heardAt = now;
  };
  /** In the background: whoever asks meanwhile is served by what was heard before, or reads for itself. */
  const listenSoon = (): void => {
    if (isListening) return;
    isListening = true;
    void listen()
      .catch(() => {})
      .finally(() => {
        isListening = false;
      });
  };
  return {
    async announce(subjectKey) {
      const now = clock();
      const rowKey = `${now}-${random.uuid()}`;
      await table.insert({ partitionKey: minuteOf(now), rowKey, schema: SCHEMA, subjectKey });
      if (announced++ % SWEEP_EVERY === 0) await sweep(table, now).catch(() => {});
    },
    isUsable(subjectKey, readAt) {
      const age = heardAt === undefined ? Number.POSITIVE_INFINITY : clock() - heardAt;
      if (!(age >= 0 && age < LISTEN_MS)) listenSoon();
      if (!(age >= 0 && age < HEARD_MS)) return false;
      const heard = heardOf.get(subjectKey);
      return heard === undefined || readAt > heard + UNSETTLED_MS;
    },
  };
}

/** One partition a minute, counted up: what is new is at the end of the table. */
function minuteOf(time: number): string {
  return String(Math.floor(time / MINUTE)).padStart(10, '0');
}

function forgetBefore(times: Map<string, number>, before: number): void {
  for (const [key, at] of times) if (at < before) times.delete(key);
}

async function sweep(table: Table, now: number): Promise<void> {
  const { rows } = await table.page(compare('PartitionKey', 'lt', minuteOf(now - KEPT_MS)), { size: 200 });
  await Promise.all(rows.map(({ row, etag }: StoredRow) => table.remove(row, etag)));
}
