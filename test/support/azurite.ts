import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TableServer {
  readonly connectionString: string;
  readonly endpoint: string;
  close(): Promise<void>;
}

const ACCOUNT = 'devstoreaccount1';
/** Azurite's published development key. */
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const TRIES = 5;

/** Starts the real Azurite's table service in memory on a free port of this machine. */
export async function startTables(): Promise<TableServer> {
  for (let attempt = 1; ; attempt++) {
    const folder = await mkdtemp(join(tmpdir(), 'azurite-table-'));
    try {
      return await startOn(await freePort(), folder);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      if (attempt === TRIES) throw error;
    }
  }
}

async function startOn(port: number, folder: string): Promise<TableServer> {
  const script = createRequire(import.meta.url).resolve('azurite/dist/src/table/main.js');
  const flags = ['--inMemoryPersistence', '--skipApiVersionCheck', '--disableTelemetry', '--silent'];
  const listen = ['--tableHost', '127.0.0.1', '--tablePort', String(port)];
  const child = spawn(process.execPath, [script, ...flags, ...listen], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A test that fails before it closes what it started must not leave it running.
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  let text = '';
  await new Promise<void>((resolve, reject) => {
    const heard = (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.includes('successfully started')) resolve();
    };
    child.on('error', reject);
    child.on('close', () => reject(new Error(`Azurite ended: ${text}`)));
    child.stdout.on('data', heard);
    child.stderr.on('data', heard);
  });
  const endpoint = `http://127.0.0.1:${port}/${ACCOUNT}`;
  return {
    endpoint,
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};TableEndpoint=${endpoint}`,
    async close() {
      process.off('exit', end);
      end();
      await closed;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A port nobody listens on at this moment; whoever takes it in between makes the caller try again. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
