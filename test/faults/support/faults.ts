import type { StoredRow, Table } from '../../../shared/adapters/tables/table.js';
import { unavailable } from '../../../shared/domain/errors.js';
import type { ProviderAnswer } from '../../../shared/ports.js';
import type { World } from './world.js';

/** What can happen to one call of a table. */
export const TABLE_FAULTS = [
  'killed before',
  'killed after',
  'answers 412',
  'answers 500',
  'times out, not applied',
  'times out, applied',
  'applied, answers 412',
  'away for 40 s',
  'away for 40 s, the second place too',
  'stands still for 3 min',
] as const;

/** What can happen to one call of the provider. */
export const PROVIDER_FAULTS = [
  'killed before',
  'killed after',
  'cut before it is processed',
  'cut after it is processed',
  'answers in 9 s',
  'answers after the time-out',
  'answers 503',
  'answers 429 with Retry-After',
  'stands still for 3 min',
  'cut before it is processed, twice',
] as const;

export type TableFault = (typeof TABLE_FAULTS)[number];
export type ProviderFault = (typeof PROVIDER_FAULTS)[number];

/** At which call of one instance what happens. */
export interface Plan {
  /** Counted over everything it does; or the how-manieth call of the provider it is. */
  readonly step: number | { readonly providerCall: number };
  readonly fault: number;
}

/** Where an answer of the provider can be lost with whoever held it, or before anybody did. */
const LOSES: ReadonlySet<string> = new Set<TableFault | ProviderFault>([
  'killed before',
  'killed after',
  'cut after it is processed',
  'answers after the time-out',
  'stands still for 3 min',
]);

/** One process: what it asks for passes here, and here it dies. */
export interface Gate {
  readonly name: string;
  readonly skewMs: number;
  alive: boolean;
  steps: number;
  providerCalls: number;
  /** What has struck it. */
  struck: string | undefined;
  /** Until then its tables, or all tables, do not answer, ms. */
  awayUntil: number;
  spillAwayUntil: number;
  /** The next call of the provider is cut as well. */
  cutsAgain: boolean;
}

export function createGate(name: string, skewMs: number): Gate {
  const state = { alive: true, steps: 0, providerCalls: 0, struck: undefined, cutsAgain: false };
  return { name, skewMs, ...state, awayUntil: 0, spillAwayUntil: 0 };
}

export function losesAnswers({ struck }: Gate): boolean {
  return struck !== undefined && LOSES.has(struck);
}

const AWAY_MS = 40_000;
const STILL_MS = 180_000;
const DEADLINE_MS = 12_000;
const PROVIDER_TIMEOUT_MS = 10_000;

export interface Strike {
  readonly world: World;
  readonly gate: Gate;
  readonly plan: Plan | undefined;
}

function isProviders(faults: readonly string[]): boolean {
  return faults === PROVIDER_FAULTS;
}

/** The next call's fault, if it is the one that was planned. */
function next<F extends string>({ gate, plan }: Strike, faults: readonly F[]): F | undefined {
  if (!plan || gate.struck !== undefined) return undefined;
  const { step } = plan;
  const isNow =
    typeof step === 'number'
      ? step === gate.steps
      : isProviders(faults) && step.providerCall === gate.providerCalls;
  if (!isNow) return undefined;
  const fault = faults[plan.fault % faults.length];
  gate.struck = fault;
  return fault;
}

/** Dead processes hear nothing more. */
async function heard<T>({ gate }: Strike, value: T): Promise<T> {
  return gate.alive ? value : new Promise<T>(() => undefined);
}

function die({ gate }: Strike): Promise<never> {
  gate.alive = false;
  return new Promise<never>(() => undefined);
}

function latency(world: World): number {
  return 1 + Math.floor(world.chance() * 20);
}

const down = () => unavailable('storage is not available', 5);

type Happening = <T>(strike: Strike, conflict: T | undefined) => Promise<{ readonly instead: T } | undefined>;

const dies: Happening = (strike) => die(strike);
const fails: Happening = async () => {
  throw down();
};
const hangs: Happening = async ({ world }) => {
  await world.sleep(DEADLINE_MS);
  throw down();
};
const conflicts: Happening = async (_, conflict) =>
  conflict === undefined ? undefined : { instead: conflict };

/** Nobody has an etag, or a free key, refused that was good: what has none fails in another way. */
const conflictsOrFails: Happening = async (_, conflict) => {
  if (conflict === undefined) throw down();
  return { instead: conflict };
};

/** What a fault does before the call is applied, or after it. */
const EFFECTS: Readonly<Record<TableFault, { readonly before?: Happening; readonly after?: Happening }>> = {
  'killed before': { before: dies },
  'killed after': { after: dies },
  'answers 412': { before: conflictsOrFails },
  'answers 500': { before: fails },
  'times out, not applied': { before: hangs },
  'times out, applied': { after: hangs },
  'applied, answers 412': { after: conflicts },
  'away for 40 s': { before: goesAway('awayUntil') },
  'away for 40 s, the second place too': { before: goesAway('awayUntil', 'spillAwayUntil') },
  'stands still for 3 min': { after: standsStill },
};

function goesAway(...places: readonly ('awayUntil' | 'spillAwayUntil')[]): Happening {
  return async ({ gate, world }) => {
    for (const place of places) gate[place] = world.now() + AWAY_MS;
    throw down();
  };
}

async function standsStill({ world }: Strike): Promise<undefined> {
  await world.sleep(STILL_MS);
}

/** A table as one process sees it. */
export function throughGate(table: Table, strike: Strike, place: 'main' | 'spill' = 'main'): Table {
  const { world, gate } = strike;
  const call = async <T>(apply: () => Promise<T>, conflict?: T, isFresh = false): Promise<T> => {
    gate.steps += 1;
    const fault = next(strike, TABLE_FAULTS);
    const { before, after }: { before?: Happening; after?: Happening } = fault ? EFFECTS[fault] : {};
    await world.sleep(latency(world));
    await heard(strike, undefined);
    if ((place === 'spill' ? gate.spillAwayUntil : gate.awayUntil) > world.now()) throw down();
    const early = await before?.(strike, isFresh ? undefined : conflict);
    if (early) return early.instead;
    const result = await apply();
    const late = await after?.(strike, conflict);
    if (late) return late.instead;
    await world.sleep(latency(world));
    return heard(strike, result);
  };
  return {
    read: (partitionKey, rowKey) => call<StoredRow | undefined>(() => table.read(partitionKey, rowKey)),
    page: (filter, options) => call(() => table.page(filter, options)),
    all: (filter) => call(() => table.all(filter)),
    insert: (row) => call(() => table.insert(row), false, true),
    update: (row, etag) => call(() => table.update(row, etag), false),
    remove: (row, etag) => call(() => table.remove(row, etag), false),
    commit: (changes) =>
      call(
        () => table.commit(changes),
        false,
        changes.every(({ kind }) => kind === 'insert'),
      ),
  };
}

const NO_ANSWER: ProviderAnswer = { ok: false, failure: { status: 0, error: 'no_answer', codes: [] } };
const TIMEOUT: ProviderAnswer = { ok: false, failure: { status: 0, error: 'timeout', codes: [] } };

type Process = () => Promise<ProviderAnswer>;

const PROVIDER_EFFECTS: Readonly<
  Record<ProviderFault, (strike: Strike, process: Process) => Promise<ProviderAnswer>>
> = {
  'killed before': (strike) => die(strike),
  'killed after': async (strike, process) => {
    await process();
    return die(strike);
  },
  'cut before it is processed': async () => NO_ANSWER,
  'cut before it is processed, twice': async ({ gate }) => {
    gate.cutsAgain = true;
    return NO_ANSWER;
  },
  'cut after it is processed': async (_, process) => {
    await process();
    return NO_ANSWER;
  },
  'answers in 9 s': async ({ world }, process) => {
    await world.sleep(9000);
    return process();
  },
  'answers after the time-out': async ({ world }, process) => {
    void world.sleep(PROVIDER_TIMEOUT_MS + 500).then(process);
    await world.sleep(PROVIDER_TIMEOUT_MS);
    return TIMEOUT;
  },
  'answers 503': async () => ({ ok: false, failure: { status: 503, error: 'server_error', codes: [] } }),
  'answers 429 with Retry-After': async () => ({
    ok: false,
    failure: { status: 429, error: 'slow_down', codes: [], retryAfterSeconds: 60 },
  }),
  'stands still for 3 min': async ({ world }, process) => {
    const answer = await process();
    await world.sleep(STILL_MS);
    return answer;
  },
};

/** A provider as one process sees it. */
export async function providerThroughGate(strike: Strike, process: Process): Promise<ProviderAnswer> {
  const { world, gate } = strike;
  gate.steps += 1;
  gate.providerCalls += 1;
  const fault = next(strike, PROVIDER_FAULTS);
  await world.sleep(latency(world) * 10);
  await heard(strike, undefined);
  const again = gate.cutsAgain;
  gate.cutsAgain = false;
  if (again) return NO_ANSWER;
  const answer = fault ? await PROVIDER_EFFECTS[fault](strike, process) : await process();
  await world.sleep(latency(world) * 10);
  return heard(strike, answer);
}
