import { composeBroker } from '../../shared/compose.js';
import { type Counted, countTableRequests } from './counted.js';
import type { People } from './people.js';
import type { World } from './world.js';

export interface Calibration extends Counted {
  readonly refreshes: number;
}

/** Users that are enrolled for it. */
export const CALIBRATION = 64;

/** One batch in this process, to count what a refresh asks of storage; audit rows share transactions as they do in the host. */
export async function calibrate(world: World, people: People, from: number): Promise<Calibration> {
  await people.enrol({ from, to: from + CALIBRATION, due: CALIBRATION });
  await people.release();
  const broker = composeBroker(world.env);
  const [first, ...rest] = await broker.findDue();
  // Opens what is opened once: tables, keys, the provider's metadata.
  if (first) await broker.workDue(first);
  const counted = await countTableRequests(() => Promise.all(rest.map((batch) => broker.workDue(batch))));
  return { ...counted, refreshes: rest.flat().length };
}
