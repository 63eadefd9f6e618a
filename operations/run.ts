import { type Command, UsageFault } from '../shared/commands/command.js';
import { ConfigRefused } from '../shared/config.js';
import { NoSettings, operatorSettings, type Settings } from './settings.js';

/**
 * Runs one operator's command on this process's arguments and ends the process with its exit code: 2 for what cannot be understood, 1 for
 * bad news.
 * @param build makes the command; `settings` reads the broker's, so a command that needs none works without
 */
export async function runOperation(build: (settings: () => Settings) => Command): Promise<void> {
  const { settings, args } = operatorSettings(process.argv.slice(2), process.env);
  try {
    process.exitCode = await build(settings)({ args, print });
  } catch (error) {
    process.exitCode = explain(error);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function explain(error: unknown): number {
  const known = error instanceof UsageFault || error instanceof NoSettings || error instanceof ConfigRefused;
  const text = error instanceof Error ? (known ? error.message : `failed: ${error.name}`) : 'failed';
  process.stderr.write(`${text}\n`);
  return error instanceof UsageFault ? 2 : 1;
}
