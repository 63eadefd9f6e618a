import { describe, expect, it } from 'vitest';
import { PROVIDER_FAULTS, TABLE_FAULTS } from './support/faults.js';
import type { Manners } from './support/strict_provider.js';
import { LONG_REPLAY_MS, runTrial, SCENARIOS, SKEWS_MS, type Trial, type Verdict } from './support/trial.js';
import { createChance } from './support/world.js';

/** More than any instance calls in any scenario before its refresh is over. */
const STEPS = 26;
const MINUTE = 60_000;
const MANNERS: Readonly<Record<string, Manners>> = {
  none: { rotation: 'none', replayMs: 0 },
  'replace-keep-old': { rotation: 'replace-keep-old', replayMs: 0 },
  'single-use, answers repeated for 30 min': { rotation: 'single-use', replayMs: LONG_REPLAY_MS },
  'single-use, answers repeated for 60 s': { rotation: 'single-use', replayMs: MINUTE },
  'single-use': { rotation: 'single-use', replayMs: 0 },
};

/**
 * What is struck: every step with every fault, in a scenario by the seed's chance; and the provider's answer, on which most depends, with
 * every fault in every scenario. The same seed is the same trial.
 */
const PLANS: readonly Pick<Trial, 'plan' | 'scenario'>[] = [
  ...PROVIDER_FAULTS.flatMap((_, fault) =>
    SCENARIOS.flatMap((scenario) => {
      const plan = { step: { providerCall: 1 }, fault };
      return [
        { plan, scenario },
        { plan, scenario },
      ];
    }),
  ),
  ...TABLE_FAULTS.flatMap((_, fault) =>
    Array.from({ length: STEPS }, (__, index) => {
      const scenario = SCENARIOS[(index * 5 + fault * 3) % SCENARIOS.length] ?? 'one timer';
      return { plan: { step: index + 1, fault }, scenario };
    }),
  ),
  // Whoever stands still, or cannot write, long enough for another to take over must not come back and spend what is spent.
  ...(['stands still for 3 min', 'away for 40 s'] as const).flatMap((name) =>
    Array.from({ length: STEPS }, (_, index) => {
      const plan = { step: index + 1, fault: TABLE_FAULTS.indexOf(name) };
      return { plan, scenario: 'a rival after 100 s' as const };
    }),
  ),
];

function trialOf(seed: number, manners: Manners): Trial {
  const chance = createChance(seed);
  const skew = () => SKEWS_MS[Math.floor(chance() * SKEWS_MS.length)] ?? 0;
  const planned = PLANS[seed % PLANS.length];
  if (!planned) throw new Error('there are no plans');
  return { seed, manners, ...planned, skews: [skew(), skew()] };
}

const RUNS = Number(process.env.FAULT_RUNS ?? 0);
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
  const seeds = seedsFor(manners);
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

/** Where most can go wrong every plan comes round; elsewhere every other one, unless more is asked for. */
function seedsFor({ rotation, replayMs }: Manners): readonly number[] {
  if (ONLY !== undefined) return [Number(ONLY)];
  if (RUNS > 0)
    return Array.from({ length: Math.ceil(RUNS / Object.keys(MANNERS).length) }, (_, seed) => seed);
  const all = PLANS.map((_, seed) => seed);
  return rotation === 'single-use' && replayMs === 0 ? all : all.filter((seed) => seed % 2 === 0);
}

function tell({ seed, plan, scenario, skews }: Trial, { struck, problems }: Verdict): string {
  const where = typeof plan.step === 'number' ? `step ${plan.step}` : 'the provider';
  return `FAULT_SEED=${seed} (${scenario}, clocks ${skews.join(' and ')} ms off, ${where}: ${struck}): ${problems.join('; ')}`;
}
