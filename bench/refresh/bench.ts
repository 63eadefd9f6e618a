import { setTimeout as wait } from 'node:timers/promises';
import { TableClient } from '@azure/data-tables';
import type { Started } from '../gateway/process.js';
import { CALIBRATION, type Calibration, calibrate } from './calibration.js';
import { providerLimit, writeLimit } from './limits.js';
import { type People, peopleOf } from './people.js';
import { startWorld, type World } from './world.js';

export interface RefreshBenchOptions {
  readonly say: (text: string) => void;
}

interface Step {
  readonly connections: number;
  readonly perSecond: number;
  readonly writeLimit: number;
  readonly hostMicros: number;
}

/** Refreshed at every step: the rest of the connections are only there. */
const DUE = 1000;
const WANTED = 0.6;

/**
 * Refreshes end to end as deployed (timer, queue, worker in the Functions host, storage on disk) against what the provider alone and
 * storage's own writes would allow, and how that changes with the number of connections.
 */
export async function benchRefresh({ say }: RefreshBenchOptions): Promise<void> {
  const sizes = (process.env.BENCH_CONNECTIONS ?? '1000,3000').split(',').map(Number);
  const world = await startWorld(Math.max(...sizes) + CALIBRATION);
  try {
    const people = peopleOf(world);
    const counted = await calibrate(world, people, Math.max(...sizes));
    const provider = await providerLimit(world, people);
    const host = await world.startHost();
    const steps: Step[] = [];
    sayLimits({ counted, provider }, say);
    let enrolled = 0;
    for (const connections of sizes) {
      await people.enrol({ from: enrolled, to: connections, due: DUE });
      enrolled = connections;
      const step = {
        connections,
        writeLimit: await writeLimit(world),
        ...(await refreshAll(world, people, host)),
      };
      say(rowOf(step, Math.min(provider, step.writeLimit / writesOf(counted))));
      steps.push(step);
    }
    sayGrowth(steps, say);
  } finally {
    await world.stop();
  }
}

async function refreshAll(
  world: World,
  people: People,
  host: Started,
): Promise<{ perSecond: number; hostMicros: number }> {
  const cpu = host.cpuTime();
  await people.release();
  const began = performance.now();
  while ((await dueNow(world)) > 0) await wait(100);
  const seconds = (performance.now() - began) / 1000;
  return { perSecond: DUE / seconds, hostMicros: (host.cpuTime() - cpu) / DUE };
}

/** Asked of storage itself: what is due and not yet done. */
async function dueNow(world: World): Promise<number> {
  const client = TableClient.fromConnectionString(world.env.BROKER_TABLES_CONNECTION_STRING ?? '', 'due', {
    allowInsecureConnection: true,
  });
  const bucket = String(Math.floor(Date.now() / 60_000)).padStart(10, '0');
  const pages = client
    .listEntities({ queryOptions: { filter: `PartitionKey le '${bucket}'`, select: ['RowKey'] } })
    .byPage({ maxPageSize: 1 });
  for await (const page of pages) return page.length;
  return 0;
}

function writesOf({ writes, refreshes }: Calibration): number {
  return writes / refreshes;
}

function sayLimits(
  { counted, provider }: { counted: Calibration; provider: number },
  say: (text: string) => void,
): void {
  const { refreshes } = counted;
  say(`Refreshes end to end, ${DUE} due at a time, Node ${process.versions.node}, Azurite on disk`);
  say(
    `one refresh: ${writesOf(counted).toFixed(1)} writes and ${(counted.reads / refreshes).toFixed(1)} reads of storage`,
  );
  for (const [name, count] of [...counted.byTable].sort()) {
    say(`  ${name.padEnd(24)} ${(count / refreshes).toFixed(2)}`);
  }
  say(`the provider alone: ${provider.toFixed(0)} refresh grants/s\n`);
  say('connections  refreshes/s  writes/s of storage alone  limit/s  of the limit  host CPU µs each');
}

function rowOf(step: Step, limit: number): string {
  const share = step.perSecond / limit;
  const verdict = `(wanted ${WANTED}: ${share >= WANTED ? 'met' : 'MISSED'})`;
  return [
    String(step.connections).padStart(11),
    step.perSecond.toFixed(0).padStart(12),
    step.writeLimit.toFixed(0).padStart(27),
    limit.toFixed(0).padStart(8),
    `${share.toFixed(2)} ${verdict}`.padStart(28),
    step.hostMicros.toFixed(0).padStart(8),
  ].join(' ');
}

function sayGrowth(steps: readonly Step[], say: (text: string) => void): void {
  const [first, last] = [steps[0], steps.at(-1)];
  if (!first || !last || first === last) return;
  const growth = first.perSecond / last.perSecond;
  const storage = first.writeLimit / last.writeLimit;
  say(
    `\ntime for a refresh grew ${growth.toFixed(2)}× from ${first.connections} to ${last.connections} connections,`,
  );
  say(
    `its processor time in the host ${(last.hostMicros / first.hostMicros).toFixed(2)}×; storage's own writes grew ${storage.toFixed(2)}× dearer`,
  );
}
