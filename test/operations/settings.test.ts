import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NoSettings, operatorSettings } from '../../operations/settings.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'operations-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

describe("an operator's command finds the broker's settings", () => {
  it('in the environment, when it has BROKER_ISSUER', () => {
    const env = { BROKER_ISSUER: 'https://broker.example', LOCAL_STATE_DIR: dir };
    expect(operatorSettings([], env).settings()).toEqual(env);
  });

  it('in a file of the form of local.settings.json, named with --settings', () => {
    const path = file('a.json', JSON.stringify({ Values: { BROKER_ISSUER: 'https://a', N: 1 } }));
    expect(operatorSettings(['--settings', path], {}).settings()).toEqual({ BROKER_ISSUER: 'https://a' });
  });

  it('in a file of NAME=value lines', () => {
    const path = file('a.env', 'BROKER_ISSUER=https://b\n# more\nX="y z"\n');
    expect(operatorSettings([`--settings=${path}`], {}).settings()).toEqual({
      BROKER_ISSUER: 'https://b',
      X: 'y z',
    });
  });

  it('at the stack that runs here, when nothing else is said', () => {
    file('local.settings.json', JSON.stringify({ Values: { BROKER_ISSUER: 'http://localhost:8080' } }));
    expect(operatorSettings([], { LOCAL_STATE_DIR: dir }).settings()).toMatchObject({
      BROKER_ISSUER: 'http://localhost:8080',
    });
  });

  it('and what the environment sets beside a file wins', () => {
    const path = file('c.json', JSON.stringify({ Values: { BROKER_ISSUER: 'https://a', X: 'file' } }));
    expect(operatorSettings(['--settings', path], { X: 'environment' }).settings()).toMatchObject({
      BROKER_ISSUER: 'https://a',
      X: 'environment',
    });
  });

  it('or is told what is missing, without any settings being read for commands that need none', () => {
    const { settings, args } = operatorSettings(['check', 'policy.json'], {
      LOCAL_STATE_DIR: join(dir, 'none'),
    });
    expect(args).toEqual(['check', 'policy.json']);
    expect(settings).toThrow(NoSettings);
  });

  it('and --settings is taken out of what the command sees, wherever it stands', () => {
    const { args } = operatorSettings(['status', '--settings', 'x', '--json', '--settings=y'], {});
    expect(args).toEqual(['status', '--json']);
  });

  it('a file that cannot be read, or is not JSON, is named by its option and not quoted', () => {
    const broken = file('broken.json', '{"Values": {"SECRET": "hush"');
    expect(operatorSettings(['--settings', join(dir, 'no')], {}).settings).toThrow(
      /--settings names a file that cannot be read/,
    );
    expect(operatorSettings(['--settings', broken], {}).settings).toThrow(
      /^--settings names a file that is not valid JSON$/,
    );
  });
});
