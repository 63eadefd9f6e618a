import type { Kit } from './kit.js';
import { changeSocial, socialOf } from './state.js';

const SWEEP_EVERY = 500;

function sweep(spent: Record<string, number>, now: number): void {
  for (const [id, until] of Object.entries(spent)) if (until <= now) delete spent[id];
}

/** Whether an id was spent before. */
export function isSpent(kit: Kit, id: string): boolean {
  return Object.hasOwn(socialOf(kit).spent, id);
}

/**
 * Spends an id that counts once, durably.
 * @param until time (ms) after which the id would be refused as too old anyway, so need not be remembered
 * @returns false when it was spent before; of two calls at the same time one wins
 */
export async function spendOnce(kit: Kit, id: string, until: number): Promise<boolean> {
  if (isSpent(kit, id)) return false;
  await changeSocial(kit, (social) => {
    // Sweeping each time would make every call pay for all the others.
    if (Object.keys(social.spent).length % SWEEP_EVERY === SWEEP_EVERY - 1) {
      sweep(social.spent, kit.core.now());
    }
    social.spent[id] = until;
  });
  return true;
}
