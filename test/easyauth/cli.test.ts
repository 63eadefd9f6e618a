import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCommand } from '../../easyauth/cli_options.js';
import { type Compiled, compileGateway, runGateway } from './support/command.js';
import { type EchoApp, startEchoApp } from './support/echo_app.js';
import { ordinaryConfig } from './support/stack.js';

let compiled: Compiled;
let app: EchoApp;
let directory: string;
let config: string;
const env = { AAD_SECRET: 'canary-secret' };

beforeAll(async () => {
  [compiled, app, directory] = await Promise.all([
    compileGateway(),
    startEchoApp(),
    mkdtemp(join(tmpdir(), 'easyauth-cli-')),
  ]);
  config = join(directory, 'auth.json');
  await writeFile(config, JSON.stringify(ordinaryConfig('http://localhost:9/tid/v2.0')));
});
afterAll(async () => {
  await app.close();
  await compiled.remove();
  await rm(directory, { recursive: true, force: true });
});

describe('the command line', () => {
  it('options win over the environment; defaults are port 8080 and .easyauth', () => {
    const command = readCommand(['--upstream', 'http://localhost:1', '--compat', 'csrf=post-only'], {
      EASYAUTH_COMPAT: 'escapeSlashes=true',
      EASYAUTH_UPSTREAM: 'http://localhost:2',
    });
    expect(command).toMatchObject({
      kind: 'serve',
      serve: {
        upstream: 'http://localhost:1',
        port: 8080,
        stateDir: '.easyauth',
        level: 'info',
        env: { EASYAUTH_COMPAT: 'escapeSlashes=true,csrf=post-only' },
      },
    });
    const fromEnv = readCommand([], {
      EASYAUTH_UPSTREAM: 'http://localhost:2',
      EASYAUTH_PORT: '0',
      WEBSITE_AUTH_STATE_DIRECTORY: '/x',
      WEBSITE_AUTH_TRACE_LEVEL: 'Verbose',
    });
    expect(fromEnv).toMatchObject({ serve: { port: 0, stateDir: '/x', level: 'trace' } });
  });

  it('all wrong options are listed at once', () => {
    const wrong = () => readCommand(['frob', '--port', '70000', '--log', 'loud'], {});
    for (const part of [/frob/, /--upstream/, /--port/, /--log/]) expect(wrong).toThrow(part);
  });

  it('--help is for people, and a wrong option is a message and exit code 1', async () => {
    const help = runGateway(compiled.command, ['--help']);
    expect(await help.exited).toBe(0);
    expect(help.output()).toContain('easyauth validate');
    const wrong = runGateway(compiled.command, ['--frob']);
    expect(await wrong.exited).toBe(1);
    expect(wrong.output()).not.toContain('    at ');
  });
});

describe('easyauth validate', () => {
  it('prints what was understood, without the secret', async () => {
    const run = runGateway(compiled.command, ['validate', config], env);
    expect(await run.exited).toBe(0);
    expect(run.output()).toContain('from AAD_SECRET');
    expect(run.output()).not.toContain('canary-secret');
  });

  it('prints every problem by its path and exits with 1', async () => {
    const bad = join(directory, 'bad.json');
    await writeFile(
      bad,
      '{"login":{"tokenStore":{"enabled":"x"}},"globalValidation":{"excludedPaths":["y"]}}',
    );
    const run = runGateway(compiled.command, ['validate', bad]);
    expect(await run.exited).toBe(1);
    expect(run.output()).toMatch(/login\.tokenStore\.enabled: /);
    expect(run.output()).toMatch(/globalValidation\.excludedPaths\[0\]: /);
  });
});

describe('easyauth --config --upstream', () => {
  const serve = (args: string[] = []) =>
    runGateway(
      compiled.command,
      [
        '--config',
        config,
        '--upstream',
        app.url,
        '--state',
        join(directory, 'state'),
        '--port',
        '0',
        ...args,
      ],
      env,
    );

  it('listens on loopback, makes its keys once, and ends with 0 on SIGTERM and SIGINT', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const run = serve();
      const [, url] = await run.saying(/listening url=(\S+)/);
      const answer = await request(`${url}/public/x`);
      await answer.body.dump();
      expect(answer.statusCode).toBe(200);
      run.child.kill(signal);
      expect(await run.exited).toBe(0);
      expect(run.output().includes('keys made')).toBe(signal === 'SIGTERM');
    }
    expect((await stat(join(directory, 'state', 'keys.json'))).mode & 0o777).toBe(0o600);
    expect(await readdir(join(directory, 'state'))).toEqual(['keys.json', 'tokens']);
  });

  it('a taken port is one message naming the port and its setting, exit code 1', async () => {
    const run = serve(['--port', String(app.port)]);
    expect(await run.exited).toBe(1);
    expect(run.output()).toContain(`port ${app.port} is taken; choose another with EASYAUTH_PORT`);
  });
});
