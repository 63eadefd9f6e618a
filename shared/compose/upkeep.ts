import { tickAllowance } from '../domain/provider_rate.js';
import { createFindDue } from '../flows/find_due.js';
import { createLanes } from '../flows/lanes.js';
import type { PlanUpkeep } from '../flows/plan_upkeep.js';
import type { ProviderBudget } from '../flows/provider_budget.js';
import type { RefreshConnection } from '../flows/refresh_connection.js';
import { createSetAside } from '../flows/set_aside.js';
import { createWorkDue } from '../flows/upkeep.js';
import type { Adapters, Settings } from './adapters.js';
import type { System } from './system.js';

interface Deps extends System, Adapters, Settings {
  readonly planUpkeep: PlanUpkeep;
  readonly refresh: RefreshConnection;
  readonly budget: ProviderBudget;
}

/** What runs unattended. */
export function createUpkeep(deps: Deps) {
  const { config } = deps;
  const rates = config.providerRates;
  const setAside = createSetAside({ ...deps, onNew: async () => undefined });
  return {
    setAside,
    findDue: createFindDue({
      ...deps,
      allowanceOf: (provider) => tickAllowance(rates, provider, config.refreshPeriodSeconds),
      setAsideRow: setAside.row,
    }),
    workDue: createWorkDue({
      ...deps,
      setAside,
      inLane: createLanes(config.providerConcurrency),
    }),
  };
}
