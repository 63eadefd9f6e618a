import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../ports.js';

/** Nonces that every instance agrees on without storing any (RFC 9449 §8). */
export interface DpopNonces {
  /** Whether a proof without a nonce is sent back. */
  readonly required: boolean;
  current(): Promise<string>;
  isGood(nonce: unknown): Promise<boolean>;
}

const STEP_MS = 60_000;
/** Steps a nonce stays good: a client that asks every few minutes need not be sent back each time. */
const GOOD_STEPS = 5;
const NONCE = /^[A-Za-z0-9_-]{32}$/;

/** @param secret the key nonces are made with, shared by all instances */
export function createDpopNonces(options: {
  secret: () => Promise<Uint8Array>;
  clock: Clock;
  required: boolean;
}): DpopNonces {
  const { secret, clock, required } = options;
  const step = () => Math.floor(clock() / STEP_MS);
  const nonceOf = async (at: number): Promise<string> =>
    createHmac('sha256', await secret())
      .update(`dpop-nonce ${at}`)
      .digest('base64url')
      .slice(0, 32);
  return {
    required,
    current: () => nonceOf(step()),
    async isGood(nonce) {
      if (typeof nonce !== 'string' || !NONCE.test(nonce)) return false;
      const now = step();
      // One step ahead is good too: another instance's clock may be.
      const known = await Promise.all(
        Array.from({ length: GOOD_STEPS + 1 }, (_, back) => nonceOf(now + 1 - back)),
      );
      return known.some((candidate) => timingSafeEqual(Buffer.from(candidate), Buffer.from(nonce)));
    },
  };
}
