#!/usr/bin/env node
import { type Command, readCommand, type ServeOptions, usage } from './cli_options.js';
import { describeSettings } from './config/describe.js';
import { readSettings } from './config/read.js';
import { loadDocument } from './config/source.js';
import { ConfigError, messageOf } from './errors.js';
import { startGateway } from './gateway.js';
import { createConsoleLog } from './log.js';

function validate({ config, env }: Extract<Command, { kind: 'validate' }>): void {
  const { name, value } = loadDocument(config, env);
  const { settings, problems, warnings } = readSettings(value, env);
  for (const warning of warnings) process.stdout.write(`warning  ${warning}\n`);
  if (problems.length > 0) throw new ConfigError(problems);
  process.stdout.write(`${name} is good. Understood:\n\n${describeSettings(settings)}\n`);
}

async function serve(options: ServeOptions): Promise<void> {
  const log = createConsoleLog(options.level);
  const gateway = await startGateway({ ...options, log });
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    log('info', 'stopping', { signal });
    gateway.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log('error', 'stopping failed', { reason: messageOf(error) });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

async function run(): Promise<void> {
  const command = readCommand(process.argv.slice(2), process.env);
  if (command.kind === 'help') process.stdout.write(usage);
  else if (command.kind === 'validate') validate(command);
  else await serve(command.serve);
}

run().catch((error: unknown) => {
  const text = error instanceof ConfigError ? error.message : `Easy Auth stopped: ${messageOf(error)}`;
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
});
