import { setTimeout as wait } from 'node:timers/promises';
import { median } from '../gateway/table.js';
import { type Candidate, type CandidateName, type Candidates, prepare } from './candidates.js';
import { type LoadResult, load } from './load.js';
import { startParts } from './parts.js';

export interface TokenBenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly say: (text: string) => void;
}

interface Run extends LoadResult {
  readonly cpuMicros: number;
}

interface Wanted {
  readonly what: string;
  readonly of: CandidateName;
  readonly to: CandidateName;
  readonly least?: number;
}

const WANTED: readonly Wanted[] = [
  { what: 'cached, as deployed, of the echo', of: 'cached', to: 'echo', least: 0.4 },
  { what: 'cached with a client secret, as deployed, of the echo', of: 'secret', to: 'echo' },
  { what: 'minted, as deployed, of the echo', of: 'minted', to: 'echo', least: 0.5 },
  { what: 'cached, tables in memory, of the echo', of: 'memory', to: 'echo', least: 0.85 },
  { what: 'minted, tables in memory, of the echo', of: 'memoryMinted', to: 'echo' },
  { what: '10,000 users, of 10 users', of: 'many', to: 'few', least: 0.9 },
  { what: 'private_key_jwt reused, of oidc-provider', of: 'bareKeyReused', to: 'peerKey', least: 5 },
  { what: 'private_key_jwt used once, of oidc-provider', of: 'bareKey', to: 'peerKey' },
  { what: 'client secret, of oidc-provider', of: 'bareSecret', to: 'peerSecret', least: 2 },
];

/** Thirteen candidates take turns: more rounds of more seconds would take longer than anybody waits. */
const MOST_ROUNDS = 4;
const MOST_SECONDS = 3;
const WARM_SECONDS = 1;
/** What was enrolled just now is read anew for half a minute: cached is what is older. */
const SETTLE_MS = 32_000;

/**
 * `POST /token` as deployed, against a function on the same host that echoes the same body: the ratio is what our code, with its durable
 * audit row, leaves of the platform's own ceiling. And the same handler without the Functions library, beside a peer without it.
 */
export async function benchToken(options: TokenBenchOptions): Promise<void> {
  const rounds = Math.min(options.rounds, MOST_ROUNDS);
  const seconds = Math.min(options.seconds, MOST_SECONDS);
  const parts = await startParts();
  try {
    const candidates = await prepare(parts);
    const runs = await takeTurns(candidates, { rounds, seconds });
    report(candidates, runs, { ...options, rounds, seconds });
  } finally {
    await parts.stop();
  }
}

type Runs = ReadonlyMap<Candidate, readonly Run[]>;

async function takeTurns(
  candidates: Candidates,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Runs> {
  const all = Object.values(candidates);
  const runs = new Map<Candidate, Run[]>(all.map((candidate) => [candidate, []]));
  for (const candidate of all) await measure(candidate, WARM_SECONDS);
  await wait(SETTLE_MS);
  for (let round = 0; round < rounds; round++) {
    for (const candidate of all) runs.get(candidate)?.push(await measure(candidate, seconds));
  }
  return runs;
}

async function measure({ part, request }: Candidate, seconds: number): Promise<Run> {
  const before = part.cpuTime();
  const result = await load({ url: part.url, request }, seconds);
  return { ...result, cpuMicros: (part.cpuTime() - before) / result.requests };
}

function report(candidates: Candidates, runs: Runs, { rounds, seconds, say }: TokenBenchOptions): void {
  const figure = (candidate: Candidate, of: (run: Run) => number) =>
    median(runs.get(candidate)?.map(of) ?? []);
  const rate = (name: CandidateName) => figure(candidates[name], (run) => run.perSecond);
  say(`POST /token: ${rounds} rounds of ${seconds} s each, taking turns, 50 connections, medians,`);
  say(`Node ${process.versions.node}; "as deployed" with Azurite on disk beside it, all on the same cores\n`);
  say('| candidate | requests/s | p99 ms | CPU µs of its processes |\n|---|---|---|---|');
  for (const candidate of Object.values(candidates)) {
    const cells = [
      Math.round(figure(candidate, (run) => run.perSecond)).toLocaleString('en'),
      figure(candidate, (run) => run.p99Ms).toFixed(1),
      figure(candidate, (run) => run.cpuMicros).toFixed(0),
    ];
    say(`| ${candidate.name} | ${cells.join(' | ')} |`);
  }
  const cost = (name: CandidateName) => figure(candidates[name], (run) => run.cpuMicros);
  say('\n| ratio | by requests/s | by processor time | wanted | |\n|---|---|---|---|---|');
  for (const { what, of, to, least } of WANTED) {
    const ratio = rate(of) / rate(to);
    const verdict = least === undefined ? '|' : `${least} | ${ratio >= least ? 'met' : '**missed**'}`;
    const byTime = cost(to) / cost(of);
    say(`| ${what} | ${ratio.toFixed(2)} | ${byTime.toFixed(2)} | ${verdict} |`);
  }
}
