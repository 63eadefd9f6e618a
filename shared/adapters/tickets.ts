import { createHmac, timingSafeEqual } from 'node:crypto';
import { lengthPrefixed } from '../domain/digest.js';
import type { Clock, Tickets } from '../ports.js';

/** Long enough to sign in with a second factor and to read a page, ms. */
const LIFE_MS = 15 * 60_000;
const TICKET = /^(\d{13})\.([A-Za-z0-9_-]{43})$/;

/** @param secret the key tickets are made with, shared by all instances */
export function createTickets(deps: { secret: () => Promise<Uint8Array>; clock: Clock }): Tickets {
  const make = async (until: number, facts: readonly string[]): Promise<string> => {
    const mac = createHmac('sha256', await deps.secret()).update(lengthPrefixed([String(until), ...facts]));
    return `${until}.${mac.digest('base64url')}`;
  };
  return {
    issue: (facts) => make(deps.clock() + LIFE_MS, facts),
    async accepts(ticket, facts) {
      const until = Number(TICKET.exec(ticket)?.[1]);
      if (!(until > deps.clock())) return false;
      return timingSafeEqual(Buffer.from(await make(until, facts)), Buffer.from(ticket));
    },
  };
}
