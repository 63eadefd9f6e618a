import { readFileSync } from 'node:fs';
import { DirectoryError, parseDirectory } from './directory/load.js';
import { createConsoleLog } from './log.js';
import { type CommandOptions, OptionsError, readOptions } from './options.js';
import { type IdentityProvider, startIdentityProvider } from './server.js';

const log = createConsoleLog(Date.now);

function isTakenPort(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

function explain(error: unknown, options: CommandOptions | undefined): string {
  if (error instanceof OptionsError) return error.problems.join('; ');
  if (isTakenPort(error))
    return `port ${options?.port} is taken: set IDP_PORT (or --port) to another port, or 0 for a free one`;
  if (error instanceof DirectoryError) return `${options?.directory}: ${error.problems.join('; ')}`;
  return error instanceof Error ? error.message : 'the start failed';
}

function stopOnSignal(provider: IdentityProvider): void {
  const stop = (): void => {
    log('info', 'stopping');
    provider.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

async function main(): Promise<void> {
  let options: CommandOptions | undefined;
  try {
    options = readOptions(process.argv.slice(2), process.env);
    const directory = parseDirectory(readFileSync(options.directory, 'utf8'));
    const provider = await startIdentityProvider({ ...options, directory, log });
    stopOnSignal(provider);
    log('info', 'listening', { url: provider.url, port: provider.port });
  } catch (error) {
    log('error', explain(error, options));
    process.exitCode = 1;
  }
}

await main();
