import { eventOf } from '../domain/event.js';
import { tickAllowance } from '../domain/provider_rate.js';
import { registrationOf } from '../domain/registration.js';
import { subjectName } from '../domain/subject.js';
import type { DeathGuard } from '../flows/death_guard.js';
import { createDeliverEvent, createFindEvents } from '../flows/deliver_events.js';
import type { EndConnection } from '../flows/end_connection.js';
import { createFindDue } from '../flows/find_due.js';
import { createLanes } from '../flows/lanes.js';
import type { PlanUpkeep } from '../flows/plan_upkeep.js';
import type { ProviderBudget } from '../flows/provider_budget.js';
import type { Publish } from '../flows/publish.js';
import type { RefreshConnection } from '../flows/refresh_connection.js';
import { createSetAside } from '../flows/set_aside.js';
import { createSweep } from '../flows/sweep.js';
import { createWorkDue } from '../flows/upkeep.js';
import { createWatchTimer } from '../flows/watch_timer.js';
import type { Policy } from '../policy.js';
import type { Quarantined } from '../ports.js';
import type { Adapters, Settings } from './adapters.js';
import type { System } from './system.js';

interface Deps extends System, Adapters, Settings {
  readonly planUpkeep: PlanUpkeep;
  readonly refresh: RefreshConnection;
  readonly budget: ProviderBudget;
  readonly deathGuard: DeathGuard;
  readonly endConnection: EndConnection;
}

/** What stays in quarantine is one piece of news, however often it is met. */
function tellOf(publish: Publish): (entry: Quarantined) => Promise<void> {
  return async ({ id, what, subject, why, firstAt }) => {
    const about = {
      subject: subject ? subjectName(subject) : what,
      at: firstAt,
      occasion: `${id} ${firstAt}`,
    };
    const action = `npm run refresh -- quarantine list, and release ${id} when mended`;
    await publish(eventOf('quarantine.added', about, { what, why, action }));
  };
}

/** Those of the providers, then the facades, by the names their circuits have. */
export function expiringRegistrations(
  providers: Readonly<Record<string, number>>,
  { resources }: Pick<Policy, 'resources'>,
) {
  const own = Object.entries(providers).map(([name, expiresAt]) => ({ name, expiresAt }));
  const facades = [...resources.values()].flatMap((resource) => {
    if (resource.narrowing === 'minted' || resource.facade?.secretExpiresAt === undefined) return [];
    const { appId, secretExpiresAt: expiresAt } = resource.facade;
    return [{ name: registrationOf(resource.provider, appId), expiresAt }];
  });
  return [...own, ...facades];
}

/** What runs unattended. */
export function createUpkeep(deps: Deps) {
  const { config } = deps;
  const rates = config.providerRates;
  const setAside = createSetAside({ ...deps, onMet: tellOf(deps.publish) });
  const deliverEvent = createDeliverEvent({ ...deps, source: config.issuer });
  return {
    findEvents: createFindEvents({ ...deps, source: config.issuer }),
    deliverEvent,
    watchTimer: createWatchTimer({
      ...deps,
      deliver: deliverEvent,
      periodSeconds: config.refreshPeriodSeconds,
    }),
    deathGuard: deps.deathGuard,
    sweep: createSweep({
      ...deps,
      limitsOf: (provider) => deps.rulesOf(provider).limits,
      patience: config.patience,
      failuresKeptDays: config.failuresKeptDays,
      quarantineKeptDays: config.quarantineKeptDays,
      registrations: expiringRegistrations(config.secretsExpireAt ?? {}, deps.policy),
    }),
    setAside,
    findDue: createFindDue({
      ...deps,
      allowanceOf: (provider) => tickAllowance(rates, provider, config.refreshPeriodSeconds),
      setAsideRow: setAside.row,
    }),
    workDue: createWorkDue({
      ...deps,
      windowSeconds: config.refreshWindowSeconds,
      setAside,
      inLane: createLanes(config.providerConcurrency),
    }),
  };
}
