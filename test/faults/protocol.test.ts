import { describe, expect, it } from 'vitest';
import { PROVIDER_FAULTS, TABLE_FAULTS } from './support/faults.js';
import type { Manners } from './support/strict_provider.js';
import { LONG_REPLAY_MS, runTrial, SCENARIOS, SKEWS_MS, type Trial, type Verdict } from './support/trial.js';
import { createChance } from './support/world.js';

/** More than any instance calls in any scenario before its refresh is over. */
const STEPS = 32;
const FAULTS = Math.max(TABLE_FAULTS.length, PROVIDER_FAULTS.length);
const MINUTE = 60_000;
const MANNERS: Readonly<Record<string, Manners>> = {
  none: { rotation: 'none', replayMs: 0 },
  'replace-keep-old': { rotation: 'replace-keep-old', replayMs: 0 },
  'single-use, answers repeated for 30 min': { rotation: 'single-use', replayMs: LONG_REPLAY_MS },
  'single-use, answers repeated for 60 s': { rotation: 'single-use', replayMs: MINUTE },
  'single-use': { rotation: 'single-use', replayMs: 0 },
};

/** The same number is the same trial: every step with every fault comes round, in every scenario and with clocks right and wrong. */
function trialOf(seed: number, manners: Manners): Trial {
  const chance = createChance(seed);
  const one = <T>(of: readonly T[]): T => of[Math.floor(chance() * of.length)] as T;
  const plan = { step: 1 + (seed % STEPS), fault: Math.floor(seed / STEPS) % FAULTS };
  return { seed, manners, plan, scenario: one(SCENARIOS), skews: [one(SKEWS_MS), one(SKEWS_MS)] };
}

const RUNS = Number(process.env.FAULT_RUNS ?? STEPS * FAULTS * Object.keys(MANNERS).length);
const ONLY = process.env.FAULT_SEED;

describe.each(Object.entries(MANNERS))('a provider of %s', (name, manners) => {
  it('whatever happens at whatever step: nothing is lost that anybody still had, and nothing is doubled', async () => {
    const { seeds, verdicts, failed } = await runAll(manners);
    const struck = verdicts.filter((verdict) => verdict.struck !== undefined).length;
    const dead = verdicts.filter(({ outcome }) => outcome === 'dead').length;
    console.log(
      `faults, ${name}: ${seeds} runs, ${struck} struck, ${dead} ended since the only answer was lost, ${failed.length} lost otherwise`,
    );
    expect(failed.slice(0, 10)).toEqual([]);
    if (ONLY === undefined) expect(struck).toBeGreaterThan(seeds / 2);
  }, 600_000);
});

async function runAll(manners: Manners) {
  const share = Math.ceil(RUNS / Object.keys(MANNERS).length);
  const seeds = ONLY === undefined ? Array.from({ length: share }, (_, seed) => seed) : [Number(ONLY)];
  const verdicts: Verdict[] = [];
  const failed: string[] = [];
  for (const seed of seeds) {
    const trial = trialOf(seed, manners);
    const verdict = await runTrial(trial);
    verdicts.push(verdict);
    if (verdict.problems.length > 0) failed.push(tell(trial, verdict));
  }
  return { seeds: seeds.length, verdicts, failed };
}

function tell({ seed, plan, scenario, skews }: Trial, { struck, problems }: Verdict): string {
  return `FAULT_SEED=${seed} (${scenario}, clocks ${skews.join(' and ')} ms off, step ${plan.step}: ${struck}): ${problems.join('; ')}`;
}
