import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContainerClient, ContainerSASPermissions, StorageSharedKeyCredential } from '@azure/storage-blob';
import { type Listening, listen } from './http_server.js';

const account = 'devstoreaccount1';
/** Azurite's published development key. */
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

export interface BlobServer {
  readonly url: string;
  /** A container with the owner's rights, made when it is not there. */
  container(name: string): Promise<ContainerClient>;
  /** The SAS URL of a container with these permissions (letters), a day's life by default. */
  sasUrl(name: string, permissions?: string, livesMs?: number): Promise<string>;
  close(): Promise<void>;
}

/** Starts the real Azurite's blob service in memory on a free port. */
export async function startBlobs(): Promise<BlobServer> {
  const folder = await mkdtemp(join(tmpdir(), 'azurite-blob-'));
  const script = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js');
  const flags = ['--inMemoryPersistence', '--skipApiVersionCheck', '--disableTelemetry', '--blobPort', '0'];
  const child = spawn(process.execPath, [script, ...flags], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.on('error', reject);
    child.on('close', () => reject(new Error(`Azurite ended: ${text}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const endpoint = /successfully listen(?:ing|s) (?:at|on) (http\S+)/.exec(text)?.[1];
      if (endpoint !== undefined) resolve(endpoint);
    });
  });
  const credential = new StorageSharedKeyCredential(account, key);
  const containerOf = (name: string) => new ContainerClient(`${url}/${account}/${name}`, credential);
  return {
    url,
    container: async (name) => {
      await containerOf(name).createIfNotExists();
      return containerOf(name);
    },
    sasUrl: (name, permissions = 'rwdl', livesMs = 86_400_000) =>
      containerOf(name).generateSasUrl({
        permissions: ContainerSASPermissions.parse(permissions),
        expiresOn: new Date(Date.now() + livesMs),
      }),
    close: async () => {
      child.kill('SIGKILL');
      await closed;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface BlobProxy extends Listening {
  /** What was asked so far, as `GET name`, without the query. */
  readonly calls: string[];
  /** What the next calls meet instead of an answer. */
  fault: 'reset' | 'unavailable' | 'lost answer' | undefined;
  /** How far the service's clock seems to be ahead. */
  aheadMs: number;
}

/** A plain HTTP proxy before the blob service: the gateway uses nothing but GET, HEAD, PUT and DELETE by path. */
export async function startBlobProxy(target: string): Promise<BlobProxy> {
  const { hostname, port } = new URL(target);
  const listening = await listen((incoming, response) => {
    const { method = '', url = '', headers } = incoming;
    proxy.calls.push(`${method} ${url.split('?')[0]?.split('/').slice(3).join('/')}`);
    const { fault } = proxy;
    if (fault === 'reset') return incoming.socket.destroy();
    if (fault === 'unavailable') return response.writeHead(503).end();
    const outgoing = httpRequest({ hostname, port, method, path: url, headers }, (answer) => {
      if (fault === 'lost answer') return incoming.socket.destroy();
      const date = new Date(Date.now() + proxy.aheadMs).toUTCString();
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, date });
      answer.pipe(response);
    });
    outgoing.on('error', () => incoming.socket.destroy());
    incoming.pipe(outgoing);
  });
  const proxy: BlobProxy = { ...listening, calls: [], fault: undefined, aheadMs: 0 };
  return proxy;
}
