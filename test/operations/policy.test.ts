import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** `npm run policy`, as built, without any settings of a broker. */
async function policy(args: readonly string[], input = '') {
  const { PATH } = process.env;
  const child = spawn(process.execPath, ['dist/operations/policy.js', ...args], {
    cwd: ROOT,
    env: { ...(PATH === undefined ? {} : { PATH }), LOCAL_STATE_DIR: '/nowhere' },
  });
  child.stdin.end(input);
  const [out, problems, [exit]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { exit, out, problems };
}

describe('npm run policy', () => {
  it("finds this repository's own policy sound, without settings", async () => {
    expect(await policy(['check', 'policy.json'])).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^ok: \d+ clients/),
    });
  });

  it('ends with 1 for bad news, and with 2 for what cannot be understood', async () => {
    expect(await policy(['check', 'package.json'])).toMatchObject({ exit: 1 });
    expect(await policy(['frobnicate'])).toMatchObject({
      exit: 2,
      problems: expect.stringContaining('not known'),
    });
    expect(await policy(['explain', '--client', 'c', '--subject', 'a:b:c', '--resource', 'r'])).toMatchObject(
      {
        exit: 1,
        problems: expect.stringContaining("no broker's settings"),
      },
    );
  });

  it('reads the secret to hash from standard input', async () => {
    const { exit, out } = await policy(['hash-secret'], 'a secret long enough\n');
    expect([exit, out]).toEqual([0, expect.stringMatching(/^scrypt\$32768\$8\$1\$[\w-]{22}\$[\w-]{43}\n$/)]);
  });
});
