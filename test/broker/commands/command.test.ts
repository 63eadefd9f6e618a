import { describe, expect, it } from 'vitest';
import { readArguments } from '../../../shared/commands/arguments.js';
import { commandOf, UsageFault } from '../../../shared/commands/command.js';

function greeting() {
  const printed: string[] = [];
  const command = commandOf('greet', [
    {
      name: 'hello',
      synopsis: '--to NAME',
      summary: 'greets',
      run: async ({ args, print }) => {
        const { values } = readArguments(args, { to: { type: 'string' } });
        print(`hello ${values.to}`);
        return 0;
      },
    },
  ]);
  const run = (...args: string[]) => command({ args, print: (line) => printed.push(line) });
  return { run, printed };
}

describe('a command of several parts', () => {
  it('runs the part its first word names', async () => {
    const { run, printed } = greeting();
    expect(await run('hello', '--to', 'Ada')).toBe(0);
    expect(printed).toEqual(['hello Ada']);
  });

  it('shows every part with --help, wherever it stands', async () => {
    for (const args of [['--help'], ['help'], ['hello', '--help']]) {
      const { run, printed } = greeting();
      expect(await run(...args)).toBe(0);
      expect(printed.join('\n')).toContain('npm run greet -- hello --to NAME');
    }
  });

  it('refuses what it does not know with the usage', async () => {
    const { run } = greeting();
    await expect(run()).rejects.toThrow(/a subcommand is missing[\s\S]*Usage/);
    await expect(run('goodbye')).rejects.toThrow(/not known[\s\S]*Usage/);
  });

  it('refuses an unknown option and a missing value by name', async () => {
    const { run } = greeting();
    await expect(run('hello', '--from', 'x')).rejects.toThrow(/--from/);
    await expect(run('hello', '--to')).rejects.toBeInstanceOf(UsageFault);
  });
});
