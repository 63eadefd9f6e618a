import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCommand } from '../../easyauth/cli/command.js';
import { usage } from '../../easyauth/cli/usage.js';
import { ConfigError } from '../../easyauth/errors.js';
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

describe('§8.3 the command line [D]', () => {
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
    const wrong = () => readCommand(['--port', '70000', '--log', 'loud', '--log-format', 'xml'], {});
    for (const part of [/--upstream/, /--port/, /--log:/, /--log-format/]) expect(wrong).toThrow(part);
  });

  it('a flag of another command, an unknown one and an unknown command are refused', () => {
    for (const args of [
      ['validate', '--port', '1'],
      ['update', '--upstream', 'http://localhost:1'],
      ['--token-refresh-extension-hours', '3', '--upstream', 'http://localhost:1'],
      ['validate', '--frob'],
      ['frob'],
      ['validate', 'a.json', 'b.json'],
      ['validate', 'a.json', '--config', 'b.json'],
      ['--upstream', 'http://localhost:1', 'auth.json'],
    ])
      expect(() => readCommand(args, {})).toThrow(ConfigError);
  });

  it('each command has its own --help', async () => {
    for (const [verb, says] of [
      ['validate', 'Exit code 0: good'],
      ['update', 'token-refresh-extension-hours N'],
    ] as const) {
      expect(readCommand([verb, '--help'], {})).toEqual({ kind: 'help', verb });
      expect(usage[verb]).toContain(says);
    }
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

describe('§8 easyauth validate [D]', () => {
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

describe('§1 easyauth --config --upstream [D]', () => {
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

  it('--log-format json writes one object a line; trace tells every request without its query', async () => {
    const run = serve(['--log-format', 'json', '--log', 'trace']);
    const [, url] = await run.saying(/"url":"([^"]+)"/);
    const answer = await request(`${url}/public/x?secret=canary`);
    await answer.body.dump();
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
    const events = run
      .output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const event of events)
      expect(Object.keys(event).slice(0, 4)).toEqual(['time', 'level', 'area', 'message']);
    expect(events).toContainEqual(
      expect.objectContaining({
        level: 'trace',
        message: 'passed to the app',
        path: '/public/x',
        as: 'nobody',
      }),
    );
    expect(run.output()).not.toContain('canary');
  });
});
