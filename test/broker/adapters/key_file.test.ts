import { fork } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVault } from '../../../shared/adapters/vault/envelope.js';
import { createKeyFile } from '../../../shared/adapters/vault/key_file.js';
import { ConfigRefused } from '../../../shared/config.js';
import { Unreadable } from '../../../shared/domain/errors.js';

let folder = '';
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'key-file-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = () => join(folder, `key${++count}`);
const context = { table: 't', subject: 's', provider: 'p', generation: 1, purpose: 'x' };

describe('a key file', () => {
  it('is made when absent, for its owner alone, and leaves no draft behind', () => {
    const file = path();
    createKeyFile(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(Buffer.from(readFileSync(file, 'utf8'), 'base64')).toHaveLength(32);
    expect(readdirSync(folder).filter((name) => name.startsWith(`key${count}.`))).toEqual([]);
  });

  it('opens after a restart what was sealed before it, and another file does not', async () => {
    const file = path();
    const sealed = await createVault(createKeyFile(file)).seal('secret', context);
    expect(await createVault(createKeyFile(file)).open(sealed, context)).toBe('secret');
    await expect(createVault(createKeyFile(path())).open(sealed, context)).rejects.toThrow(Unreadable);
  });

  it('is one and the same for many processes that start at once', async () => {
    const file = path();
    const script = join(folder, 'start.mjs');
    const source = new URL('../../../shared/adapters/vault/key_file.ts', import.meta.url).href;
    writeFileSync(
      script,
      `import { createServer } from ${JSON.stringify(import.meta.resolve('vite'))};
       const server = await createServer({ root: ${JSON.stringify(folder)}, configFile: false, logLevel: 'silent', server: { middlewareMode: true, watch: null, ws: false }, optimizeDeps: { noDiscovery: true } });
       const { createKeyFile } = await server.ssrLoadModule(${JSON.stringify(new URL(source).pathname)});
       process.send('ready');
       process.once('message', async () => {
         const { keyId } = await createKeyFile(${JSON.stringify(file)}).wrap(Buffer.alloc(32));
         process.send(keyId, () => process.exit(0));
       });`,
    );
    const ids = await startTogether(script, 4);
    expect(new Set(ids).size).toBe(1);
    expect(ids).toHaveLength(4);
  });

  it.each([0o644, 0o640, 0o604, 0o660])('that others may use (mode %o) is refused', (mode) => {
    const file = path();
    createKeyFile(file);
    chmodSync(file, mode);
    expect(() => createKeyFile(file)).toThrow(/0600/);
  });

  it.each(['', 'short', Buffer.alloc(31).toString('base64'), Buffer.alloc(33).toString('base64')])(
    'that holds no 256-bit key (%j) is refused and not replaced',
    (text) => {
      const file = path();
      writeFileSync(file, text, { mode: 0o600 });
      expect(() => createKeyFile(file)).toThrow(ConfigRefused);
      expect(readFileSync(file, 'utf8')).toBe(text);
    },
  );

  it('that cannot be made or read is refused by the name of its setting', () => {
    for (const place of [join(folder, 'no', 'such', 'folder'), folder]) {
      expect(() => createKeyFile(place)).toThrow(/BROKER_VAULT_KEY_FILE/);
    }
  });

  it('that is there is read where nothing can be written beside it', () => {
    const place = join(folder, 'readonly');
    mkdirSync(place);
    const file = join(place, 'key');
    createKeyFile(file);
    const names = readdirSync(place);
    chmodSync(place, 0o500);
    expect(() => createKeyFile(file)).not.toThrow();
    chmodSync(place, 0o700);
    expect(readdirSync(place)).toEqual(names);
  });
});

/** Runs the script in several processes and lets them all go at the same moment. */
async function startTogether(script: string, processes: number): Promise<readonly string[]> {
  const children = Array.from({ length: processes }, () => fork(script));
  const messages = children.map((child) => {
    const heard: string[] = [];
    child.on('message', (message) => heard.push(String(message)));
    const next = (size: number) =>
      new Promise<string[]>((resolve, reject) => {
        child.on('exit', (code) => code === 0 || reject(new Error(`the process ended with ${code}`)));
        const look = () => heard.length >= size && resolve(heard);
        child.on('message', look);
        look();
      });
    return { next };
  });
  await Promise.all(messages.map(({ next }) => next(1)));
  for (const child of children) child.send('go');
  const answers = await Promise.all(messages.map(({ next }) => next(2)));
  return answers.map((heard) => heard[1] ?? '');
}
