import { randomBytes } from 'node:crypto';
import type { Sealer } from '../crypto/seal.js';
import type { LoginMemory } from '../providers/provider.js';

/** One sign-in under way in a browser. */
interface Pending extends LoginMemory {
  readonly nonce: string;
  readonly at: number;
}

const most = 4;

/** 32 hexadecimal digits, `_` and the UTC time, as Easy Auth writes it (reference §5.1). */
export function createNonce(now: number): string {
  const time = new Date(now).toISOString().replace(/\D/g, '').slice(0, 14);
  return `${randomBytes(16).toString('hex')}_${time}`;
}

/** The sign-ins a browser has under way, in its sealed `Nonce` cookie: a few, so that several tabs can sign in at once. */
export interface PendingLogins {
  find(nonce: unknown): Pending | undefined;
  /** The cookie value with one more sign-in; the oldest falls out. */
  with(pending: Pending): string;
  /** The cookie value without a sign-in that is over; undefined when none is left. */
  without(nonce: string): string | undefined;
}

function decode(text: string): Pending[] {
  const items: unknown = JSON.parse(text);
  if (!Array.isArray(items)) return [];
  return items.flatMap((item: unknown) => {
    const [nonce, at, scope]: unknown[] = Array.isArray(item) ? item : [];
    if (typeof nonce !== 'string' || typeof at !== 'number') return [];
    return [{ nonce, at, scope: typeof scope === 'string' ? scope : undefined }];
  });
}

export function readPendingLogins(sealer: Sealer, cookie: string | undefined): PendingLogins {
  const text = cookie === undefined ? undefined : sealer.open(Buffer.from(cookie, 'base64url'));
  const pending = text === undefined ? [] : decode(text);
  const seal = (items: readonly Pending[]) =>
    sealer
      .seal(JSON.stringify(items.map(({ nonce, at, scope }) => [nonce, at, scope])))
      .toString('base64url');
  return {
    find: (nonce) => pending.find((item) => item.nonce === nonce),
    with: (item) => seal([...pending, item].slice(-most)),
    without: (nonce) => {
      const rest = pending.filter((item) => item.nonce !== nonce);
      return rest.length === 0 ? undefined : seal(rest);
    },
  };
}
