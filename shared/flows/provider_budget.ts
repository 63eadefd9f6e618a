import { type ProviderRates, providerBudgets } from '../domain/provider_rate.js';
import type { Budgets, Clock, Spend } from '../ports.js';

/** The rate at which all instances together ask a provider. */
export interface ProviderBudget {
  /** One call for the timer's work, if there is room: it gives way to those who wait for a token. */
  forTimer(provider: string): Promise<Spend>;
  /** Counts one call for somebody who waits: never refused here, clients have limits of their own. */
  forCaller(provider: string): Promise<void>;
}

interface Deps {
  readonly budgets: Budgets;
  readonly rates: ProviderRates;
  readonly clock: Clock;
}

/** Where storage cannot count, the timer's work waits this long, ms. */
const TROUBLE_MS = 2000;

export function createProviderBudget({ budgets, rates, clock }: Deps): ProviderBudget {
  return {
    async forTimer(provider) {
      const { all, timer } = providerBudgets(rates, provider);
      try {
        const share = await budgets.spend(timer);
        return share.ok ? await budgets.spend(all) : share;
      } catch {
        return { ok: false, retryAt: clock() + TROUBLE_MS };
      }
    },
    async forCaller(provider) {
      // A rate protects and does not authorize: where it cannot be counted, who waits is served.
      await budgets.spend(providerBudgets(rates, provider).all).catch(() => undefined);
    },
  };
}
