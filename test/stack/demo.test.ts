import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { removeTemporaryDirs, temporaryDir } from '../support/stack_process.js';

const DEMO = fileURLToPath(new URL('../../dist/local/demo.js', import.meta.url));

afterAll(removeTemporaryDirs);

interface Run {
  readonly code: number;
  readonly output: string;
}

function runDemo(env: Record<string, string>): Promise<Run> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env } };
    execFile(process.execPath, [DEMO], options, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error ? -1 : 0;
      resolve({ code, output: stdout + stderr });
    });
  });
}

describe('npm run demo', () => {
  it('takes one user from sign-in to the audit on a stack of its own, shows no token whole, and leaves nothing behind', async () => {
    const temporary = join(temporaryDir(), 'tmp');
    mkdirSync(temporary);
    const { code, output } = await runDemo({ LOCAL_STATE_DIR: temporaryDir(), TMPDIR: temporary });
    expect(output).toContain('Demo passed');
    expect(code).toBe(0);
    for (const word of [
      'minted',
      'narrowing “none”',
      'connection.refreshed by timer',
      'grant_dead',
      'invalid_grant',
    ]) {
      expect(output).toContain(word);
    }
    expect(output).not.toMatch(/[\w-]{20,}\.[\w-]{40,}\.[\w-]{20,}/);
    expect(readdirSync(temporary)).toEqual([]);
  }, 120_000);
});
