import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../easyauth/free_port.js';
import { startIdentityProvider } from '../../local/identity_provider/server.js';
import { apache, apacheOidc } from './apache.js';
import type { Candidate } from './candidate.js';
import { gateway, gatewayName, gatewayOf, gatewayOff } from './easyauth.js';
import { load, loadName, type Target } from './load.js';
import { nginx } from './nginx.js';
import { clientId, clientSecret, directoryFor, loginHint, tid } from './people.js';
import { saying, start } from './process.js';
import { cpu, type Row, type Run, rate, table } from './table.js';

export interface BenchOptions {
  /** How often each candidate is measured; the candidates take turns. */
  readonly rounds: number;
  readonly seconds: number;
  readonly say: (text: string) => void;
}

/** One process, and one a core: nginx and Apache take all cores. */
const workerCounts = [...new Set([1, availableParallelism()])];

async function startCandidates(directory: string, stops: (() => Promise<void>)[]): Promise<Candidate[]> {
  const app = start(process.execPath, [fileURLToPath(new URL('./upstream.js', import.meta.url))]);
  stops.push(app.stop);
  const upstream = await saying(app, /listening url=(\S+)/);
  const [gatewayPort, apachePort] = [await freePort(), await freePort()];
  const idp = await startIdentityProvider({
    directory: directoryFor(gatewayPort, apachePort),
    stateDir: join(directory, 'idp'),
    port: 0,
    log: () => {},
  });
  stops.push(idp.close);
  const issuer = `${idp.url}/${tid}/v2.0`;
  const people = { issuer, clientId, clientSecret, loginHint };
  const keep = <T extends Candidate>(candidate: T): T => {
    stops.push(candidate.stop);
    return candidate;
  };
  const own = { ...people, upstream, directory: join(directory, 'gateway'), port: gatewayPort };
  const signedIn = keep(await gateway(own));
  const inject = signedIn.injected;
  const oidc = {
    ...people,
    upstream,
    inject,
    directory: join(directory, 'oidc'),
    port: apachePort,
    metadata: `${issuer}/.well-known/openid-configuration`,
  };
  // Who does not authenticate gets the same request as the gateway, session cookie included.
  const cookie = signedIn.target?.cookie ?? '';
  const alike = (candidate: Candidate): Candidate =>
    candidate.target === undefined
      ? candidate
      : { ...candidate, target: { url: candidate.target.url, cookie } };
  const gateways: Candidate[] = [];
  for (const workers of workerCounts) {
    gateways.push(alike(keep(await gatewayOff({ ...own, directory: join(directory, 'off') }, workers))));
    gateways.push(workers === 1 ? signedIn : keep(await gatewayOf(own, workers, signedIn)));
  }
  return [
    {
      name: 'the app directly',
      target: { url: `${upstream}/`, cookie },
      note: '',
      cpuTime: app.cpuTime,
      stop: async () => {},
    },
    alike(keep(await nginx({ upstream, inject, directory }))),
    alike(keep(await apache({ upstream, inject, directory: join(directory, 'apache') }))),
    keep(await apacheOidc(oidc)),
    ...gateways,
  ];
}

/** One run, with what the candidate itself used of the processor: a figure that busy neighbours disturb least. */
async function measure(candidate: Candidate, target: Target, seconds: number): Promise<Run> {
  const before = candidate.cpuTime();
  const figures = await load(target, seconds);
  return { ...figures, cpuMicros: (candidate.cpuTime() - before) / figures.requests };
}

function verdict(rows: readonly Row[], workers: number): string {
  const find = (name: string) => rows.find((row) => row.candidate.name === name);
  const name = gatewayName(true, workers);
  const own = find(name);
  const targets: [string, number][] = [
    ['Apache mod_auth_openidc', 2],
    ['nginx proxy_pass', 0.5],
    [gatewayName(false, workers), 0.8],
  ];
  const lines = targets.map(([peer, wanted]) => {
    const ratio = rate(own) / rate(find(peer));
    if (Number.isNaN(ratio)) return `${name}: not measured against ${peer} here`;
    const byCpu = (cpu(find(peer)) / cpu(own)).toFixed(2);
    return `${name}: ${ratio.toFixed(2)} of ${peer}, wanted at least ${wanted}: ${ratio >= wanted ? 'met' : 'MISSED'}; by processor time a request ${byCpu}`;
  });
  return lines.join('\n');
}

/** Measures the gateway beside its peers, all in this run over the same app, and prints one table. */
export async function benchGateway({ rounds, seconds, say }: BenchOptions): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'gateway-bench-'));
  const stops: (() => Promise<void>)[] = [];
  try {
    const candidates = await startCandidates(directory, stops);
    const rows = candidates.map((candidate) => ({
      candidate,
      runs: [] as Run[],
    }));
    for (const { candidate } of rows) if (candidate.target !== undefined) await load(candidate.target, 2);
    for (let round = 0; round < rounds; round += 1)
      for (const { candidate, runs } of rows)
        if (candidate.target !== undefined) runs.push(await measure(candidate, candidate.target, seconds));
    const nginxRow = rows.find(({ candidate }) => candidate.name === 'nginx proxy_pass');
    say(
      `Authenticated GET through the Easy Auth gateway and its peers: ${rounds} rounds of ${seconds} s each, taking turns,`,
    );
    say(
      `50 connections by ${loadName}, medians, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}\n`,
    );
    say(`${table(rows, nginxRow)}\n\n${workerCounts.map((workers) => verdict(rows, workers)).join('\n')}`);
  } finally {
    for (const stop of stops.reverse()) await stop();
    await rm(directory, { recursive: true, force: true });
  }
}
