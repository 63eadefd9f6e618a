import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../architecture/source_files.js';
import { removeTemporaryDirs, type StackProcess, startStackProcess } from '../support/stack_process.js';

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

let stack: StackProcess;

beforeAll(async () => {
  stack = startStackProcess();
  await stack.ready;
});

afterAll(async () => {
  await stack.stop();
  removeTemporaryDirs();
});

/** The tour's commands as they stand, but for where this stack runs. */
function tour(): string {
  const section = README.slice(README.indexOf('## Five minutes'), README.indexOf('## What it answers'));
  const blocks = [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  return blocks
    .join('\necho\n')
    .replaceAll('http://localhost:8080', stack.json().gateway)
    .replaceAll('.local/', `${stack.stateDir}/`);
}

function bash(script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, LOCAL_STATE_DIR: stack.stateDir };
    execFile('bash', ['-euo', 'pipefail', '-c', script], { cwd: ROOT, env }, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr || error.message));
      else resolve(stdout);
    });
  });
}

describe('README', () => {
  it('its tour works as written', async () => {
    const output = await bash(tour());
    expect(output).toContain('"provider":"aad"');
    expect(output).toContain('"narrowing":"minted"');
    expect(output).toContain('"error":"invalid_scope"');
    expect(output).toContain('"type":"token.issued"');
    expect(output).toContain('"grants_ended":1');
    expect(output).toContain('"error":"invalid_grant"');
  });

  it('every file it links to is there', () => {
    const links = [...README.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1] ?? '');
    expect(links.filter((link) => !existsSync(join(ROOT, link)))).toEqual([]);
  });

  it('every npm script it names exists', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const named = [...README.matchAll(/npm run (?:--silent )?([\w-]+)/g)].map((match) => match[1] ?? '');
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
