import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCommand } from '../../easyauth/cli/command.js';
import { setMember } from '../../easyauth/cli/json_edit.js';
import { updateConfig } from '../../easyauth/cli/update.js';
import { readSettings } from '../../easyauth/config/read.js';
import { ConfigError } from '../../easyauth/errors.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'easyauth-update-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

let count = 0;
async function fileWith(text: string): Promise<string> {
  count += 1;
  const path = join(directory, `auth${count}.json`);
  await writeFile(path, text);
  return path;
}

const anonymous = '"globalValidation": { "unauthenticatedClientAction": "AllowAnonymous" }';

describe('§8.3 easyauth update --token-refresh-extension-hours [D]', () => {
  it('changes the one value and no other character, wrapped or bare, in any spelling', async () => {
    const cases = [
      [
        `{ ${anonymous},\n  "login":{"tokenStore":{"enabled":true,"tokenRefreshExtensionHours":"72.0"}} }\n`,
        '"72.0"',
      ],
      [
        `\uFEFF{"id":"/x","properties":{${anonymous}, "Login": {"TokenStore": {\n\t"TokenRefreshExtensionHours" : 72 }}}}`,
        '72',
      ],
    ] as const;
    for (const [text, old] of cases) {
      const path = await fileWith(text);
      updateConfig({ config: path, hours: 1.5, env: {} });
      expect(await readFile(path, 'utf8')).toBe(text.replace(old, '1.5'));
    }
  });

  it('adds the member where it is missing, and the gateway understands it', async () => {
    for (const text of [
      `{ ${anonymous} }`,
      `{\n  ${anonymous},\n  "login": {}\n}\n`,
      `{\n  ${anonymous},\n  "login": {\n    "tokenStore": {\n      "enabled": true\n    }\n  }\n}\n`,
      `{ "properties": { ${anonymous}, "login": null } }`,
    ]) {
      const path = await fileWith(text);
      updateConfig({ config: path, hours: 36, env: {} });
      const whole = JSON.parse(await readFile(path, 'utf8'));
      const { settings, problems } = readSettings(whole.properties ?? whole, {});
      expect(problems).toEqual([]);
      expect(settings.refreshExtensionMs).toBe(36 * 3_600_000);
    }
  });

  it('N is a number of hours as az takes it; anything else is refused', () => {
    const hours = (value: string) =>
      readCommand(['update', 'a.json', '--token-refresh-extension-hours', value], {});
    for (const [text, value] of [
      ['72', 72],
      ['0', 0],
      ['0.5', 0.5],
      ['.5', 0.5],
      ['1e2', 100],
      ['72.0', 72],
    ] as const)
      expect(hours(text)).toMatchObject({ kind: 'update', config: 'a.json', hours: value });
    for (const text of ['', '-1', 'NaN', 'inf', '72h', '1,5', '0x10', '1e999'])
      expect(() => readCommand(['update', `--token-refresh-extension-hours=${text}`], {})).toThrow(
        /--token-refresh-extension-hours: must be a number/,
      );
    expect(() => readCommand(['update', 'a.json'], {})).toThrow(/hours: is missing/);
  });

  it('follows a symbolic link, keeps the permissions and leaves no other file', async () => {
    const path = await fileWith(`{ ${anonymous} }`);
    await chmod(path, 0o640);
    const link = join(directory, 'link.json');
    await symlink(path, link);
    updateConfig({ config: link, hours: 1, env: {} });
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect(await readFile(path, 'utf8')).toContain('1');
    expect((await readdir(directory)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('finds the file through the environment, and refuses a document that is no file', async () => {
    const path = await fileWith(`{ ${anonymous} }`);
    const env = { WEBSITE_AUTH_V2_CONFIG_JSON: JSON.stringify({ platform: { configFilePath: path } }) };
    expect(updateConfig({ config: undefined, hours: 2, env }).path).toBe(path);
    const inline = { WEBSITE_AUTH_V2_CONFIG_JSON: '{}' };
    expect(() => updateConfig({ config: undefined, hours: 2, env: inline })).toThrow(/is no file/);
    expect(() => updateConfig({ config: `${path}.none`, hours: 2, env: {} })).toThrow(ConfigError);
  });

  it('a file that is no JSON object stays as it is', async () => {
    for (const text of ['{', '[]', 'null', '']) {
      const path = await fileWith(text);
      expect(() => updateConfig({ config: path, hours: 2, env: {} })).toThrow(ConfigError);
      expect(await readFile(path, 'utf8')).toBe(text);
    }
  });

  it('tells faults the document already had, and a setting that decides instead', async () => {
    const path = await fileWith('{ "httpSettings": { "requireHttps": "maybe" } }');
    const { notes } = updateConfig({
      config: path,
      hours: 2,
      env: { WEBSITE_AUTH_TOKEN_REFRESH_HOURS: '5' },
    });
    expect(notes.join('\n')).toMatch(/as before, httpSettings\.requireHttps: /);
    expect(notes.join('\n')).toMatch(/WEBSITE_AUTH_TOKEN_REFRESH_HOURS is set and decides/);
  });

  it('never loses or changes another member, whatever the document', () => {
    const document = fc.dictionary(
      fc.string().filter((name) => !['a', '__proto__'].includes(name.toLowerCase())),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(document, fc.constantFrom(undefined, 1, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const after = JSON.parse(setMember(text, ['a', 'b', 'c'], '5'));
        expect(after).toEqual({ ...JSON.parse(text), a: { b: { c: 5 } } });
        const twice = setMember(setMember(text, ['a', 'b', 'c'], '5'), ['A', 'B', 'C'], '6');
        expect(JSON.parse(twice)).toEqual({ ...JSON.parse(text), a: { b: { c: 6 } } });
      }),
      { numRuns: 300 },
    );
  });
});
