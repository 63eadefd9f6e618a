import { describe, expect, it } from 'vitest';
import { withRecentCircuits } from '../../../shared/adapters/recent_circuits.js';
import { createCircuitStore } from '../../../shared/adapters/tables/circuits.js';
import type { CircuitStore } from '../../../shared/ports.js';
import { NOW } from '../support/samples.js';
import { withTables } from '../support/tables.js';

const tables = withTables();
const OPENING = { until: NOW + 60_000, class: 'broker_misconfigured', now: NOW } as const;

/** Two instances over one table, of which the first counts what it asks. */
function setUp() {
  const time = { now: NOW };
  const name = tables.name();
  const counts = { reads: 0 };
  const stored = createCircuitStore(tables.table(name));
  const counted: CircuitStore = {
    ...stored,
    openUntil: (registration) => {
      counts.reads++;
      return stored.openUntil(registration);
    },
  };
  const here = withRecentCircuits(counted, () => time.now);
  const elsewhere = withRecentCircuits(createCircuitStore(tables.table(name)), () => time.now);
  return { here, elsewhere, counts, time };
}

describe('circuits read a moment ago', () => {
  it('a closed one is asked for once a second, however many refreshes look', async () => {
    const { here, counts, time } = setUp();
    for (let look = 0; look < 5; look++) expect(await here.openUntil('aad')).toBeUndefined();
    expect(counts.reads).toBe(1);
    time.now += 1000;
    await here.openUntil('aad');
    expect(counts.reads).toBe(2);
  });

  it('an opening here is seen here at once', async () => {
    const { here } = setUp();
    await here.openUntil('aad');
    await here.open('aad', OPENING);
    expect(await here.openUntil('aad')).toBe(OPENING.until);
  });

  it('an opening elsewhere is seen within a second', async () => {
    const { here, elsewhere, time } = setUp();
    await here.openUntil('aad');
    await elsewhere.open('aad', OPENING);
    time.now += 1000;
    expect(await here.openUntil('aad')).toBe(OPENING.until);
  });

  it('an open one is asked for every time, so that its closing is seen at once', async () => {
    const { here, elsewhere } = setUp();
    await elsewhere.open('aad', OPENING);
    expect(await here.openUntil('aad')).toBe(OPENING.until);
    await elsewhere.close('aad');
    expect(await here.openUntil('aad')).toBeUndefined();
  });

  it('each registration is remembered for itself', async () => {
    const { here, elsewhere } = setUp();
    await here.openUntil('aad');
    await elsewhere.open('aad facade', OPENING);
    expect(await here.openUntil('aad facade')).toBe(OPENING.until);
  });
});
