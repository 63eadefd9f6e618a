import type { Clock } from '../clock.js';
import type { TextBlob } from '../storage/blobs.js';
import type { StorageHealth } from '../storage/health.js';

/** A lock that one process in a fleet holds. */
export interface HeldLock {
  /** Aborted when the lock may be another's: it was taken away, or could not be renewed in time. */
  lost: AbortSignal;
  /** Lets go; never rejects. */
  release(): Promise<void>;
}

export interface LockOptions {
  blob: TextBlob;
  /** How long a dead holder keeps others out, 15 to 60. */
  seconds: number;
  clock: Clock;
  health: StorageHealth;
}

/**
 * Takes the lock by a lease on `blob` and renews it three times in each lease. Undefined when another process holds it. Rejects when
 * storage does not answer.
 */
export async function takeLock(options: LockOptions): Promise<HeldLock | undefined> {
  const { blob, seconds, clock, health } = options;
  const lost = new AbortController();
  const startedAt = clock.now();
  const lease = await blob.lease(seconds);
  if (!lease) return undefined;
  let heldUntil = startedAt + seconds * 1000;
  let cancel: () => void;

  const renew = async () => {
    const asked = clock.now();
    try {
      if (!(await lease.renew())) return lost.abort();
      heldUntil = asked + seconds * 1000;
      health.ok();
    } catch (error) {
      health.failed(error);
    }
    if (clock.now() >= heldUntil) lost.abort();
    else if (!lost.signal.aborted) schedule();
  };
  const schedule = () => {
    const left = heldUntil - clock.now();
    cancel = clock.after(Math.max(0, Math.min((seconds * 1000) / 3, left)), () => void renew());
  };
  schedule();

  return {
    lost: lost.signal,
    async release() {
      lost.abort();
      cancel();
      await lease.release().catch(() => undefined);
    },
  };
}
