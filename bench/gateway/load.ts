import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import autocannon from 'autocannon';
import { installed } from './process.js';

export interface Figures {
  readonly requests: number;
  readonly perSecond: number;
  readonly p99Ms: number;
}

export interface Target {
  readonly url: string;
  readonly cookie: string;
}

const connections = 50;
const wrk = installed('/usr/bin/wrk', '/usr/local/bin/wrk');

export const loadName = wrk === undefined ? 'autocannon' : 'wrk';

function milliseconds(text: string): number {
  const [, amount = 'NaN', unit = 'ms'] = /([\d.]+)(us|ms|s)/.exec(text) ?? [];
  return Number(amount) * ({ us: 0.001, ms: 1, s: 1_000 }[unit] ?? 1);
}

async function byWrk(program: string, { url, cookie }: Target, seconds: number): Promise<Figures> {
  const header = cookie === '' ? [] : ['-H', `Cookie: ${cookie}`];
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', ...header, url];
  const { stdout } = await promisify(execFile)(program, args);
  // A server may close a kept-alive connection just as a request leaves: once in a thousand is no failure.
  const broken = [...stdout.matchAll(/(?:connect|read|write|timeout) (\d+)/g)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
  const sent = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (/Non-2xx/.test(stdout) || broken * 1000 > sent)
    throw new Error(`not every request was answered: ${stdout}`);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  return { requests, perSecond, p99Ms: milliseconds(/99%\s+(\S+)/.exec(stdout)?.[1] ?? '') };
}

async function byAutocannon({ url, cookie }: Target, seconds: number): Promise<Figures> {
  const headers = cookie === '' ? {} : { cookie };
  const { requests, latency, non2xx, errors } = await autocannon({
    url,
    connections,
    duration: seconds,
    headers,
  });
  if (non2xx + errors > 0) throw new Error(`not every request was answered: ${non2xx + errors}`);
  return { requests: requests.total, perSecond: requests.average, p99Ms: latency.p99 };
}

/** One run of GETs over 50 kept-alive connections. @throws when any request is not answered with 2xx */
export function load(target: Target, seconds: number): Promise<Figures> {
  return wrk === undefined ? byAutocannon(target, seconds) : byWrk(wrk, target, seconds);
}
