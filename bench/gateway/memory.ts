import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { freePort } from '../../easyauth/free_port.js';
import { startIdentityProvider } from '../../local/identity_provider/server.js';
import { authJson, signIn } from './easyauth.js';
import { clientId, clientSecret, directoryFor, loginHint, tid } from './people.js';
import { saying, start } from './process.js';

const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const requests = 100_000;
const megabytes = (bytes: number) => (bytes / 1_000_000).toFixed(1);

async function send(url: string, cookie: string, amount: number): Promise<void> {
  let count = 0;
  const { errors, ...result } = await autocannon({
    url,
    amount,
    connections: 50,
    requests: [
      { path: '/', headers: { cookie } },
      { path: '/.auth/me', headers: { cookie } },
      {
        path: '/',
        setupRequest: (request) => {
          count += 1;
          return {
            ...request,
            headers: { cookie: `AppServiceAuthSession=1forged${count}`, [`x-${count}`]: '1' },
          };
        },
      },
    ],
  });
  if (errors + result['5xx'] > 0) throw new Error('not every request was answered');
}

/** What the gateway's heap holds after each of several lots of requests, 100,000 in all after warming up. */
export async function benchMemory({ say }: { say: (text: string) => void }): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'gateway-memory-'));
  const app = start(process.execPath, [beside('./upstream.js')]);
  const upstream = await saying(app, /listening url=(\S+)/);
  const port = await freePort();
  const idp = await startIdentityProvider({
    directory: directoryFor(port, port),
    stateDir: join(directory, 'idp'),
    port: 0,
    log: () => {},
  });
  const people = { issuer: `${idp.url}/${tid}/v2.0`, clientId, clientSecret, loginHint };
  const config: unknown = JSON.parse(authJson({ ...people, upstream, directory, port }, true));
  const options = { config, upstream, port, stateDir: directory, env: { AAD_SECRET: clientSecret } };
  const child = fork(beside('./measured.js'), [JSON.stringify(options)], { execArgv: ['--expose-gc'] });
  const told = async (): Promise<Record<string, unknown>> => (await once(child, 'message'))[0];
  try {
    const url = String((await told()).url);
    const { cookie } = await signIn(url, loginHint);
    const heaps: string[] = [];
    await send(url, cookie, 10_000);
    for (let lot = 0; lot <= 4; lot += 1) {
      if (lot > 0) await send(url, cookie, requests / 4);
      child.send('measure');
      heaps.push(megabytes(Number((await told()).heap)));
    }
    say(
      `\nHeap of the gateway after garbage collection, over ${requests.toLocaleString('en')} requests, MB: ${heaps.join(' → ')}`,
    );
  } finally {
    child.kill('SIGKILL');
    await Promise.all([app.stop(), idp.close()]);
    await rm(directory, { recursive: true, force: true });
  }
}
