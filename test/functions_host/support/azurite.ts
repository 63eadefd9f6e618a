import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from './built_host.js';

export interface Azurite {
  connection: string;
  close(): Promise<void>;
}

const account = 'devstoreaccount1';
// Azurite's published development key.
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const running = new Set<Azurite>();

/** Ends every Azurite a test left running. */
export async function closeAzurites(): Promise<void> {
  await Promise.all([...running].map((azurite) => azurite.close()));
}

/** Starts the real Azurite in memory on free ports, or on the given ones. */
export async function startAzurite(ports: { blob?: number; queue?: number } = {}): Promise<Azurite> {
  const folder = await mkdtemp(join(tmpdir(), 'azurite-'));
  const script = join(repository, 'node_modules/azurite/dist/src/azurite.js');
  const wanted = [
    '--blobPort',
    String(ports.blob ?? 0),
    '--queuePort',
    String(ports.queue ?? 0),
    '--tablePort',
    '0',
  ];
  const args = [script, '--inMemoryPersistence', '--skipApiVersionCheck', '--disableTelemetry', ...wanted];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  let text = '';
  const endpoint = (service: string) =>
    new RegExp(`${service} service is successfully listening at (\\S+)`).exec(text)?.[1];
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => reject(new Error(`Azurite ended: ${text}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (endpoint('Blob') && endpoint('Queue') && endpoint('Table')) resolve();
    });
  });
  const azurite: Azurite = {
    connection: [
      'DefaultEndpointsProtocol=http',
      `AccountName=${account}`,
      `AccountKey=${key}`,
      `BlobEndpoint=${endpoint('Blob')}/${account}`,
      `QueueEndpoint=${endpoint('Queue')}/${account}`,
    ].join(';'),
    async close() {
      running.delete(azurite);
      child.kill('SIGKILL');
      await closed;
      await rm(folder, { recursive: true, force: true });
    },
  };
  running.add(azurite);
  return azurite;
}
