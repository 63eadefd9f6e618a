import { beforeEach, describe, expect, it } from 'vitest';
import { openCircuit } from '../../../shared/flows/circuit.js';
import { createSetAside } from '../../../shared/flows/set_aside.js';
import type { Quarantined } from '../../../shared/ports.js';
import { type Bench, createBench } from '../support/bench.js';
import { memoryTables } from '../support/memory_tables.js';
import { NOW, someone } from '../support/samples.js';

const MINUTE = 60_000;
let bench: Bench;

beforeEach(() => {
  const tables = memoryTables(() => bench?.time.now ?? NOW);
  bench = createBench(tables);
});

const told = (type: string) => bench.told.filter((event) => event.type === type);
const refused = () =>
  ({ until: bench.time.now + MINUTE, class: 'broker_misconfigured', fromProbe: true }) as const;

describe('an alarm whose telling failed after its cause was stored', () => {
  it('circuit.opened: comes out with the next call that is refused, once an opening', async () => {
    await openCircuit({ ...bench, publish: async () => false }, 'aad', refused());
    expect(told('circuit.opened')).toEqual([]);
    for (let probe = 0; probe < 3; probe++) {
      bench.time.now += MINUTE;
      await openCircuit(bench, 'aad', refused());
    }
    expect(told('circuit.opened')).toMatchObject([{ subject: 'aad' }]);
    expect(await bench.audited('circuit.opened')).toHaveLength(1);
    await bench.circuits.close('aad');
    await openCircuit(bench, 'aad', refused());
    expect(told('circuit.opened')).toHaveLength(2);
  });

  it('circuit.opened: is out although the audit cannot be written', async () => {
    const audit = { ...bench.audit, append: () => Promise.reject(new Error('storage is away')) };
    await expect(openCircuit({ ...bench, audit }, 'aad', refused())).rejects.toThrow('storage is away');
    expect(told('circuit.opened')).toHaveLength(1);
  });

  it('circuit.opened: a provider that only asks for time is no alarm', async () => {
    await openCircuit(bench, 'aad', { until: bench.time.now + MINUTE, class: 'transient' });
    expect(told('circuit.opened')).toEqual([]);
  });

  it('quarantine.added: is told at each try under the same first time, so that it comes out once', async () => {
    const met: Quarantined[] = [];
    const setAside = createSetAside({
      ...bench,
      onMet: async (entry) => {
        met.push(entry);
      },
    });
    const subject = someone();
    for (let round = 0; round < 3; round++) {
      await setAside.item({ subject, dueAt: bench.time.now }, new TypeError('x'));
      bench.time.now += 10 * MINUTE;
    }
    expect(met).toHaveLength(3);
    expect(new Set(met.map(({ id, firstAt }) => `${id} ${firstAt}`)).size).toBe(1);
  });
});
