import type { Budget } from './budget.js';

/** How often all instances together may ask a provider, calls a second. */
export interface ProviderRates {
  readonly preset: number;
  readonly byName: Readonly<Record<string, number>>;
}

/** Of a provider's rate, what the timer's work may use; the rest stays for those who wait for a token. */
export const TIMER_SHARE = 0.8;
const WINDOW_MS = 10_000;

export function rateOf(rates: ProviderRates, provider: string): number {
  return Object.hasOwn(rates.byName, provider) ? (rates.byName[provider] ?? rates.preset) : rates.preset;
}

/** Every call to a provider counts in the first; those of the timer need room in the second too. */
export function providerBudgets(rates: ProviderRates, provider: string): { all: Budget; timer: Budget } {
  const limit = Math.ceil((rateOf(rates, provider) * WINDOW_MS) / 1000);
  return {
    all: { name: `provider ${provider}`, limit, windowMs: WINDOW_MS },
    timer: {
      name: `provider ${provider} timer`,
      limit: Math.max(1, Math.floor(limit * TIMER_SHARE)),
      windowMs: WINDOW_MS,
    },
  };
}

/**
 * How many connections of a provider one run of the timer may hand out: what the timer may ask until its next run. So what has piled up
 * while the timer or the provider was away is caught up at that rate, and not all at once.
 */
export function tickAllowance(rates: ProviderRates, provider: string, periodSeconds: number): number {
  return Math.max(1, Math.ceil(rateOf(rates, provider) * TIMER_SHARE * Math.max(1, periodSeconds)));
}
