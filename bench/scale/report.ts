import type { Calibration } from '../refresh/calibration.js';
import { DAY, type Day, type DayOptions } from './day.js';

interface Scale {
  readonly options: DayOptions;
  /** Calls a second set for the provider. */
  readonly rate: number;
  readonly day: Day;
  readonly counted: Calibration;
}

/** Dollars, pay as you go, East US, locally redundant: list prices known in 2026, to be looked up again before they are relied on. */
const PRICE = {
  tableOperation: 0.000_36 / 10_000,
  queueOperation: 0.004 / 10_000,
  gigabyteMonth: 0.045,
  gigabyteSecond: 0.000_026,
  execution: 0.4 / 1_000_000,
};
const BATCH = 32;
/** A message is put, taken and deleted. */
const QUEUE_OPERATIONS = 3;
const INSTANCE_GIGABYTES = 2;
/** Of one instance. */
const INSTANCE_REFRESHES_PER_SECOND = 150;
const ROW_BYTES = 6000;
const AUDIT_ROW_BYTES = 700;
const AUDIT_DAYS = 90;
const HOUR = 3600;

/** docs/scale.md, from what was counted and simulated. */
export function scaleDocument(scale: Scale): string {
  const { options, day, rate } = scale;
  const users = options.users.toLocaleString('en');
  const settled = [2, 4, 8].map((hour) => spread(day, hour));
  return `# A million long-running users

Written by \`npm run bench -- scale\`; do not edit. A day in virtual time: ${users} users sign in within one hour, each with one provider token that lives
${options.tokenLife.least / 60} to ${options.tokenLife.most / 60} minutes, as at Entra. When each token is due is decided by the broker's own code (\`shared/domain/schedule.ts\`), what a run of the timer hands out and how often the
provider is asked by its own limits (\`shared/domain/provider_rate.ts\`); store, queue, workers and provider are modelled. \`BROKER_PROVIDER_RATE_PER_SECOND=${rate}\`, timer once a minute.

## Provider calls

| | calls/s, mean | least minute | busiest minute | a minute's deviation from the mean |
|---|---|---|---|---|
${settled.map(spreadRow).join('\n')}

Wanted: within ±20 %, though all enrolled in one hour. ${verdict(settled)} Within a minute the work is done in its first part, because the timer hands it out at
the full minute: the busiest second had ${busiestSecond(day)} calls, never more than ${options.budget.limit} in ${options.budget.windowSeconds} s (the budget). A timer that runs every ten seconds evens that out too.

- Refreshes: ${(day.refreshes / options.users).toFixed(1)} a user and day, ${day.refreshes.toLocaleString('en')} in all. (One a token's life would be ${(DAY / HOUR / 1.25).toFixed(1)}; the rest is what spreading and the window of ${options.windowSeconds} s cost.)
- Tokens that ended before they were refreshed: **${day.expired}**. The least life left at a refresh: ${(day.leastLeft / 60).toFixed(1)} minutes.
- Timer: at most ${day.ticks.most.toLocaleString('en')} connections handed out by one run (${Math.ceil(day.ticks.most / BATCH)} queue messages), ${Math.round(day.refreshes / day.ticks.count).toLocaleString('en')} on average; ${day.ticks.full} of ${day.ticks.count} runs were stopped by their allowance of ${options.tickAllowance.toLocaleString('en')}.

## Storage

Counted at the broker itself, refreshing against Azurite (${scale.counted.refreshes} refreshes; a transaction is one request):

| request | a refresh |
|---|---|
${requestRows(scale.counted)}
| **together** | **${perRefresh(scale.counted).toFixed(2)}** |

${storageText(scale)}

## Key Vault

Key Vault answers 4,000 RSA-2048 operations in ten seconds for a vault and region. Data keys are therefore wrapped by working keys of the instances, and those by Key Vault's key: an instance
makes four an hour and opens those of the others. With ten instances that is some 1,600 operations an hour, where asking for every value would be ${Math.round(meanRate(day) * 3)} a second.

## Cost

List prices, East US, locally redundant, pay as you go, US dollars, to be looked up again before they are relied on:

| | a day |
|---|---|
${costRows(scale)}

The workers' time assumes ${INSTANCE_REFRESHES_PER_SECOND} refreshes a second from an instance of ${INSTANCE_GIGABYTES} GB (Flex Consumption), which has not been measured in Azure.
`;
}

interface Spread {
  readonly fromHour: number;
  readonly mean: number;
  readonly least: number;
  readonly most: number;
}

function minutes({ calls }: Day): readonly number[] {
  const sums = new Array<number>(DAY / 60).fill(0);
  for (const [second, count] of calls.entries()) {
    const minute = Math.floor(second / 60);
    sums[minute] = (sums[minute] ?? 0) + count / 60;
  }
  return sums;
}

/** Of the minutes from some hour on; the last one is cut by the end of the day. */
export function spread(day: Day, fromHour: number): Spread {
  const counted = minutes(day).slice(fromHour * 60, -1);
  const mean = counted.reduce((sum, value) => sum + value, 0) / counted.length;
  return { fromHour, mean, least: Math.min(...counted), most: Math.max(...counted) };
}

function spreadRow({ fromHour, mean, least, most }: Spread): string {
  const cells = [`from hour ${fromHour} on`, mean.toFixed(0), least.toFixed(0), most.toFixed(0)];
  const percent = (value: number) =>
    `${value >= mean ? '+' : '−'}${Math.abs((value / mean - 1) * 100).toFixed(1)} %`;
  return `| ${[...cells, `${percent(least)} … ${percent(most)}`].join(' | ')} |`;
}

function verdict(spreads: readonly Spread[]): string {
  const flat = spreads.find(({ mean, least, most }) => least >= 0.8 * mean && most <= 1.2 * mean);
  return flat ? `**Met from hour ${flat.fromHour} on.**` : '**Missed.**';
}

function busiestSecond({ calls }: Day): number {
  return calls.reduce((most, count) => Math.max(most, count), 0);
}

function meanRate(day: Day): number {
  return spread(day, 8).mean;
}

function perRefresh({ reads, writes, refreshes }: Calibration): number {
  return (reads + writes) / refreshes;
}

function requestRows({ byTable, refreshes }: Calibration): string {
  const rows = [...byTable].sort().map(([name, count]) => `| ${name} | ${(count / refreshes).toFixed(2)} |`);
  return rows.join('\n');
}

function storageText({ options, day, counted }: Scale): string {
  const aUser = (day.refreshes / options.users) * perRefresh(counted);
  const aSecond = meanRate(day) * perRefresh(counted);
  return `That is **${aUser.toFixed(0)} requests a user and day**, ${aSecond.toFixed(0)} a second. A storage account takes 20,000 a second, a partition 2,000; the due index is the densest, with a
partition a minute (some ${Math.round(meanRate(day) * 60).toLocaleString('en')} rows, taken a hundred at a time).`;
}

function costRows(scale: Scale): string {
  const { options, day, counted } = scale;
  const messages = day.refreshes / BATCH;
  const stored = (options.users * ROW_BYTES + day.refreshes * AUDIT_ROW_BYTES * AUDIT_DAYS) / 1e9;
  const instances = meanRate(day) / INSTANCE_REFRESHES_PER_SECOND;
  const costs: readonly (readonly [string, number])[] = [
    ['table requests', day.refreshes * perRefresh(counted) * PRICE.tableOperation],
    ['queue requests', messages * QUEUE_OPERATIONS * PRICE.queueOperation],
    [
      `storage, with ${AUDIT_DAYS} days of audit rows (${Math.round(stored).toLocaleString('en')} GB)`,
      (stored * PRICE.gigabyteMonth) / 30,
    ],
    ['workers', instances * INSTANCE_GIGABYTES * DAY * PRICE.gigabyteSecond + messages * PRICE.execution],
  ];
  const total = costs.reduce((sum, [, cost]) => sum + cost, 0);
  const each = (total * 30) / options.users;
  const rows = costs.map(([name, cost]) => `| ${name} | ${cost.toFixed(2)} |`);
  return [
    ...rows,
    `| **together** | **${total.toFixed(2)}**, that is ${(each * 100).toFixed(2)} cents a user and month |`,
  ].join('\n');
}
