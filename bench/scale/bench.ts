import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ProviderRates, providerBudgets, tickAllowance } from '../../shared/domain/provider_rate.js';
import { CALIBRATION, type Calibration, calibrate } from '../refresh/calibration.js';
import { peopleOf } from '../refresh/people.js';
import { ROOT, startWorld } from '../refresh/world.js';
import { type DayOptions, simulateDay } from './day.js';
import { scaleDocument } from './report.js';

export interface ScaleBenchOptions {
  readonly say: (text: string) => void;
}

const SEED = 20_261_123;
const PERIOD_SECONDS = 60;
/** Calls a second, as an operator of a million users would set it: half as much again as they need. */
const RATES: ProviderRates = { preset: 500, byName: {} };

/** A day with a million long-running users, written to docs/scale.md. `BENCH_USERS` makes it another number, and leaves the document alone. */
export async function benchScale({ say }: ScaleBenchOptions): Promise<void> {
  const users = Number(process.env.BENCH_USERS ?? '1000000');
  const counted = await countOneRefresh();
  const options = dayOf(users);
  say(`simulating a day with ${users.toLocaleString('en')} users …`);
  const day = simulateDay(options);
  const text = scaleDocument({ options, rate: RATES.preset, day, counted });
  say(text);
  if (process.env.BENCH_USERS === undefined) writeFileSync(join(ROOT, 'docs/scale.md'), text);
}

function dayOf(users: number): DayOptions {
  const { timer } = providerBudgets(RATES, 'aad');
  return {
    users,
    seed: SEED,
    arrival: (chance) => chance(),
    tokenLife: { least: 3600, most: 5400 },
    windowSeconds: 600,
    periodSeconds: PERIOD_SECONDS,
    tickAllowance: tickAllowance(RATES, 'aad', PERIOD_SECONDS),
    budget: { limit: timer.limit, windowSeconds: timer.windowMs / 1000 },
    workers: 1000,
  };
}

async function countOneRefresh(): Promise<Calibration> {
  const world = await startWorld(CALIBRATION);
  try {
    return await calibrate(world, peopleOf(world), 0);
  } finally {
    await world.stop();
  }
}
