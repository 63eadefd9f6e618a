import { LRUCache } from 'lru-cache';
import { type Budget, blockSize, type Current, takenNow, windowStart } from '../../domain/budget.js';
import { digest } from '../../domain/digest.js';
import { unavailable } from '../../domain/errors.js';
import type { Budgets, Clock, Random } from '../../ports.js';
import { columnsOf, SCHEMA, timeColumn } from './columns.js';
import type { Row, StoredRow, Table } from './table.js';

/** What this instance may spend from memory. */
interface Lease {
  /** The window it is of, ms. */
  windowStart: number;
  /** When that is over, by this instance's clock, ms. */
  endsAt: number;
  left: number;
  spent: number;
  /** Until then the row need not be asked again: everything is taken, ms. */
  closedUntil: number;
  waiting: number;
  taking: Promise<void> | undefined;
  /** Storage did not answer: until then nobody else waits for it, ms. */
  troubledUntil: number;
}

interface Deps {
  readonly table: Table;
  readonly clock: Clock;
  readonly random: Random;
}

/** A forgotten lease costs its allowance, never gives one. */
const MOST_LEASES = 20_000;
/** A conflict means that another instance has taken a block: so many in a row, and everybody's are being taken this very moment. */
const TAKE_TRIES = 32;
const CROWDED_MS = 1000;
const TROUBLE_MS = 2000;

/** One row a budget. An instance takes blocks of the window's allowance from it by etag and spends them in memory. */
export function createBudgets(deps: Deps): Budgets {
  const leases = new LRUCache<string, Lease>({ max: MOST_LEASES });
  const leaseOf = (budget: Budget): Lease => {
    const key = keyOf(budget);
    const known = leases.get(key);
    if (known) return known;
    const lease = { ...empty(0), waiting: 0, taking: undefined, troubledUntil: 0 };
    leases.set(key, lease);
    return lease;
  };
  return {
    async spend(budget) {
      assertBudget(budget);
      const lease = leaseOf(budget);
      for (;;) {
        const now = deps.clock();
        if (lease.endsAt <= now) {
          const start = windowStart(now, budget);
          Object.assign(lease, empty(start), { endsAt: start + budget.windowMs });
        }
        if (lease.left > 0) {
          lease.left -= 1;
          lease.spent += 1;
          return { ok: true };
        }
        if (lease.closedUntil > now) return { ok: false, retryAt: lease.closedUntil };
        if (lease.troubledUntil > now) throw trouble();
        await refill(deps, budget, lease);
      }
    },
  };
}

function empty(start: number) {
  return { windowStart: start, endsAt: start, left: 0, spent: 0, closedUntil: 0 };
}

function assertBudget({ limit, windowMs }: Budget): void {
  const whole = Number.isSafeInteger(limit) && Number.isSafeInteger(windowMs);
  if (!whole || limit < 1 || windowMs < 1)
    throw new TypeError('a budget needs a limit and a window of at least 1');
}

/** However many wait, one asks the row. */
async function refill(deps: Deps, budget: Budget, lease: Lease): Promise<void> {
  lease.waiting += 1;
  lease.taking ??= take(deps, budget, lease)
    .catch((error: unknown) => {
      lease.troubledUntil = deps.clock() + TROUBLE_MS;
      throw error;
    })
    .finally(() => {
      lease.taking = undefined;
    });
  try {
    await lease.taking;
  } finally {
    lease.waiting -= 1;
  }
}

/**
 * Takes a block from the row. Each take has a name that the row keeps: after a conflict, which may be our own write applied and retried by
 * the SDK, the row tells whether the block is ours. One whose fate stays unknown is given up: it was taken from the allowance, so nothing
 * is spent twice.
 */
async function take({ table, clock, random }: Deps, budget: Budget, lease: Lease): Promise<void> {
  const name = random.uuid();
  for (let attempt = 0; attempt < TAKE_TRIES; attempt++) {
    const stored = await table.read(keyOf(budget), ROW);
    const row = stored && readRow(stored);
    if (row?.takenBy === name) return grant(lease, { ...row, now: clock() });
    const now = clock();
    const taken = takenNow(budget, row, { now, ageMs: stored?.ageMs });
    const left = budget.limit - taken.count;
    if (left <= 0) return close(lease, { ...taken, now, windowMs: budget.windowMs });
    const block = blockSize(budget, left, lease);
    const next = { ...taken, count: taken.count + block, block, takenBy: name };
    const columns = toRow(budget, next);
    const won = stored ? await table.update(columns, stored.etag) : await table.insert(columns);
    if (won) return grant(lease, { ...next, now });
  }
  // Storage works, so this is no reason to go uncounted.
  Object.assign(lease, { left: 0, closedUntil: clock() + CROWDED_MS });
}

function grant(lease: Lease, { windowStart: start, block, leftMs, now }: BudgetRow & { now: number }): void {
  const spent = lease.windowStart === start ? lease.spent : 0;
  Object.assign(lease, { windowStart: start, endsAt: now + leftMs, left: block, spent, closedUntil: 0 });
}

/** Until the window is over; an instance whose clock is behind looks again after the length of a window. */
function close(lease: Lease, { now, leftMs, windowMs }: Current & { now: number; windowMs: number }): void {
  lease.left = 0;
  lease.closedUntil = now + Math.min(leftMs, windowMs);
}

function trouble() {
  return unavailable('a rate limit cannot be counted', 1);
}

const ROW = 'budget';
/** What a column of whole numbers holds. */
const MOST_INT = 2_147_483_647;

function keyOf({ name, windowMs }: Budget): string {
  return digest('budget', name, String(windowMs));
}

interface BudgetRow {
  readonly windowStart: number;
  readonly count: number;
  readonly leftMs: number;
  /** The last block that was taken, and by which take. */
  readonly block: number;
  readonly takenBy: string;
}

function toRow(budget: Budget, { windowStart: start, count, leftMs, block, takenBy }: BudgetRow): Row {
  return {
    partitionKey: keyOf(budget),
    rowKey: ROW,
    schema: SCHEMA,
    name: budget.name,
    windowStart: timeColumn(start),
    count,
    leftMs: Math.round(Math.min(leftMs, budget.windowMs, MOST_INT)),
    block,
    takenBy,
  };
}

function readRow({ row }: StoredRow): BudgetRow {
  const read = columnsOf('budgets', row);
  return {
    windowStart: read.time('windowStart'),
    count: read.int('count'),
    leftMs: row.leftMs === undefined ? 0 : read.int('leftMs'),
    block: read.int('block'),
    takenBy: read.text('takenBy'),
  };
}
