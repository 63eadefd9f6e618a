import { refreshTokenSeal } from '../../../shared/domain/seal_context.js';
import type { DueItem, ProviderAnswer } from '../../../shared/ports.js';
import { MAIL } from '../../broker/support/refreshing.js';
import { connectionOf, GRAPH, grantOf, NOW } from '../../broker/support/samples.js';
import { idTokenOf } from '../../broker/support/scripted_provider.js';
import { type Gate, losesAnswers, type Plan } from './faults.js';
import { createInstance, createStorage, type Instance, vault } from './instance.js';
import { createStrictProvider, type Manners } from './strict_provider.js';
import { createWorld } from './world.js';

/** How long after the first the second instance gets the same work, where it is not at once, ms. */
const RIVALS_MS = {
  'a rival after 5 s': 5000,
  'a rival after 40 s': 40_000,
  'a rival after 100 s': 100_000,
} as const;
export const SCENARIOS = [
  ...(['one timer', 'two timers', 'delivered twice', 'callers'] as const),
  ...(['a rival after 5 s', 'a rival after 40 s', 'a rival after 100 s'] as const),
] as const;
export const SKEWS_MS = [0, 600_000, -600_000] as const;

export interface Trial {
  readonly seed: number;
  readonly manners: Manners;
  readonly plan: Plan;
  readonly scenario: (typeof SCENARIOS)[number];
  /** How far the clocks of the two instances are off. */
  readonly skews: readonly [number, number];
}

export interface Verdict {
  /** What struck; undefined where the work was over before the step. */
  readonly struck: string | undefined;
  readonly outcome: 'alive' | 'dead';
  /** What must not be. */
  readonly problems: readonly string[];
}

const MINUTE = 60_000;
/** Longer than a claim and a hidden entry of the due index last together, however far the clock that hid it was off. */
export const LONG_REPLAY_MS = 30 * MINUTE;
const HOUR = 60 * MINUTE;
const SUBJECT = { provider: 'aad', tenant: '11111111-1111-4111-8111-111111111111', id: 'alice' };

/**
 * One connection; two instances that refresh it, one of which something happens to; then a fresh instance with nothing but the timer, until
 * all is quiet; then one more refresh, which shows that what is stored is worth something.
 */
export async function runTrial(trial: Trial): Promise<Verdict> {
  const world = createWorld(trial.seed, NOW);
  const storage = createStorage(world);
  const { manners } = trial;
  const strict = createStrictProvider(manners);
  const problems: string[] = [];
  const gates: Gate[] = [];

  /** Whether the newest token is anywhere a living process can find it. */
  const isKept = async (token: string): Promise<boolean> => {
    const found = await observer.connections.find(SUBJECT);
    const laid = await observer.spill.find(SUBJECT);
    const owners = [found?.value, laid].flatMap((owner) => (owner?.refreshToken ? [owner] : []));
    const opened = await Promise.all(
      owners.map((owner) => vault.open(owner.refreshToken ?? '', refreshTokenSeal(owner))),
    );
    return opened.includes(token);
  };
  const watch = async (token: string): Promise<void> => {
    if (manners.rotation !== 'single-use' || !strict.isSpent(token)) return;
    if (!gates.some(losesAnswers)) problems.push('a spent token was shown though no answer had been lost');
    else if (await isKept(strict.head()))
      problems.push('a spent token was shown though its successor was kept');
  };
  const redeem = (refreshToken: string) => {
    const watched = watch(refreshToken);
    return async (): Promise<ProviderAnswer> => {
      await watched;
      const got = strict.redeem(refreshToken, world.now());
      if (!got)
        return {
          ok: false,
          failure: { status: 400, error: 'invalid_grant', suberror: 'bad_token', codes: [] },
        };
      const tokens = { expiresIn: 3600, scope: MAIL.scope, idToken: idTokenOf(SUBJECT), ...got };
      return { ok: true, tokens };
    };
  };
  const start = (name: string, more: { skewMs?: number; plan?: Plan } = {}): Instance => {
    const instance = createInstance({ world, storage, manners, redeem, name, ...more });
    gates.push(instance.gate);
    return instance;
  };
  const observer = createInstance({
    world: { ...world, sleep: async () => undefined },
    storage,
    manners,
    redeem,
    name: 'observer',
  });

  return world.run(
    (async () => {
      await enrol(observer, { refreshToken: strict.first, manners });
      await tick(start('first'));
      await world.sleep(HOUR);
      const since = world.now();
      const struck = start('struck', { skewMs: trial.skews[0], plan: trial.plan });
      const other = start('other', { skewMs: trial.skews[1] });
      await Promise.race([
        act(trial, { struck, other, start, sleep: world.sleep, chance: world.chance }),
        world.sleep(10 * MINUTE),
      ]);
      const last = start('last');
      const settled = async () => {
        const found = await observer.connections.find(SUBJECT);
        const kept = await observer.connections.keptToken(SUBJECT, MAIL);
        if (found?.value.state !== 'active') return true;
        return !found.value.claim && !kept?.failure && (kept?.token?.obtainedAt ?? 0) >= since - 10 * MINUTE;
      };
      await untilSettled(last, { settled, sleep: world.sleep });
      await world.sleep(HOUR);
      await untilSettled(last, {
        sleep: world.sleep,
        settled: async () => {
          const kept = await observer.connections.keptToken(SUBJECT, MAIL);
          const dead = (await observer.connections.find(SUBJECT))?.value.state !== 'active';
          return dead || (kept?.token?.expiresAt ?? 0) > world.now() + 30 * MINUTE;
        },
      });
      const outcome = await judge(trial, {
        observer,
        strict,
        struck: struck.gate,
        problems,
        isKept,
        now: world.now(),
      });
      return { struck: struck.gate.struck, outcome, problems };
    })(),
  );
}

/** What counts once is held under the name of a session: nothing else a provider of such tokens gives is ever held here. */
async function enrol(
  { connections, grants, due }: Instance,
  { refreshToken, manners }: { refreshToken: string; manners: Manners },
): Promise<void> {
  const credentialKind = manners.rotation === 'single-use' ? 'session' : 'refresh_token';
  const owner = connectionOf(SUBJECT, { dueAt: NOW, credentialKind });
  const sealed = await vault.seal(refreshToken, refreshTokenSeal(owner));
  await due.put({ subject: SUBJECT, dueAt: NOW });
  await connections.create({ ...owner, refreshToken: sealed });
  await grants.create(
    grantOf(SUBJECT, { resource: GRAPH, scope: MAIL.scope, expiresAt: NOW + 30 * 24 * HOUR }),
  );
}

async function tick({ findDue, workDue }: Instance): Promise<void> {
  for (const batch of await findDue()) await workDue(batch);
}

interface Stage {
  readonly struck: Instance;
  readonly other: Instance;
  readonly start: (name: string) => Instance;
  readonly sleep: (ms: number) => Promise<void>;
  readonly chance: () => number;
}

/** What the two instances do. Nothing of it may hold up what comes after: one of them may never end. */
async function act({ scenario }: Trial, { struck, other, start, sleep, chance }: Stage): Promise<void> {
  const work: Promise<unknown>[] = [];
  const both = async (items: readonly (readonly DueItem[])[], pauseMs: number) => {
    const deliver = async (to: Instance, pause: number) => {
      await sleep(pause);
      for (const batch of items) await to.workDue(batch);
    };
    work.push(deliver(struck, 0), deliver(other, pauseMs));
  };
  switch (scenario) {
    case 'one timer':
      work.push(tick(struck));
      break;
    case 'two timers':
      work.push(tick(struck), tick(other));
      break;
    case 'delivered twice':
      await both(await start('finder').findDue(), 0);
      break;
    case 'callers':
      work.push(tick(struck), ...Array.from({ length: 3 }, () => [ask(struck), ask(other)]).flat());
      break;
    default:
      await both(await start('finder').findDue(), RIVALS_MS[scenario] + Math.floor(chance() * 1000));
      break;
  }
  await Promise.allSettled(work);
}

/** As the token endpoint asks for somebody who waits. */
function ask({ refresh }: Instance): Promise<unknown> {
  const need = { minTtlSeconds: 10, acceptShorter: true, patienceMs: 15_000 };
  return refresh({ subject: SUBJECT, target: MAIL, cause: 'token', ...need });
}

const MOST_TICKS = 60;

async function untilSettled(
  instance: Instance,
  { settled, sleep }: { settled: () => Promise<boolean>; sleep: (ms: number) => Promise<void> },
): Promise<void> {
  for (let count = 0; count < MOST_TICKS && !(await settled()); count++) {
    await tick(instance);
    await instance.sweepSpill();
    await sleep(MINUTE);
  }
}

interface Evidence {
  readonly observer: Instance;
  readonly strict: ReturnType<typeof createStrictProvider>;
  readonly struck: Gate;
  readonly problems: string[];
  readonly isKept: (token: string) => Promise<boolean>;
  readonly now: number;
}

async function judge({ manners }: Trial, evidence: Evidence): Promise<'alive' | 'dead'> {
  const { observer, strict, problems, struck } = evidence;
  const found = await observer.connections.find(SUBJECT);
  if (found?.value.state !== 'active') {
    if (!mayDie(manners, struck)) problems.push('the connection died');
    if (!(await saidSo(observer, evidence.now))) problems.push('it died and nobody was told');
    return 'dead';
  }
  const kept = await observer.connections.keptToken(SUBJECT, MAIL);
  const live = manners.rotation === 'none' ? strict.first : strict.head();
  if (strict.isRevoked()) problems.push('it is called alive, and the provider has ended it');
  if (!(await isStored(observer, live))) problems.push('what is stored is not the newest there is');
  if ((kept?.token?.expiresAt ?? 0) <= evidence.now) problems.push('nothing fresh is kept');
  if (kept?.failure) problems.push('it is still failing');
  if (found.value.claim) problems.push('a claim was left behind');
  if (await observer.spill.find(SUBJECT)) problems.push('something was left in the second place');
  return 'alive';
}

async function isStored({ connections }: Instance, token: string): Promise<boolean> {
  const found = await connections.find(SUBJECT);
  if (!found?.value.refreshToken) return false;
  return (await vault.open(found.value.refreshToken, refreshTokenSeal(found.value))) === token;
}

/**
 * A single-use token whose only answer was lost, by a provider that does not repeat it or with a process that could not ask again in time,
 * is lost to everybody. Nothing else is ever a reason.
 */
function mayDie({ rotation, replayMs }: Manners, struck: Gate): boolean {
  if (rotation !== 'single-use' || !losesAnswers(struck)) return false;
  const asksAgain =
    struck.struck === 'cut after it is processed' || struck.struck === 'answers after the time-out';
  return asksAgain ? replayMs < 15_000 : replayMs < LONG_REPLAY_MS;
}

async function saidSo({ audit, failures }: Instance, now: number): Promise<boolean> {
  const range = { from: 0, to: now + HOUR, limit: 1000 };
  const died = await audit.query({ ...range, match: { type: 'connection.died' } });
  const rows = await failures.query({ ...range, match: { class: 'grant_dead' } });
  return died.items.length === 1 && rows.items.length >= 1;
}
