#!/usr/bin/env node
import cluster from 'node:cluster';
import { type Command, readCommand, type ServeOptions } from './cli/command.js';
import { updateConfig } from './cli/update.js';
import { usage } from './cli/usage.js';
import { startWorkers } from './cluster/primary.js';
import { runWorker } from './cluster/worker.js';
import { describeSettings } from './config/describe.js';
import { readSettings } from './config/read.js';
import { loadDocument } from './config/source.js';
import { ConfigError, messageOf } from './errors.js';
import { type Gateway, startGateway } from './gateway.js';
import { createConsoleLog, type Log } from './log.js';

function validate({ config, env }: Extract<Command, { kind: 'validate' }>): void {
  const { name, value } = loadDocument(config, env);
  const { settings, problems, warnings } = readSettings(value, env);
  for (const warning of warnings) process.stdout.write(`warning  ${warning}\n`);
  if (problems.length > 0) throw new ConfigError(problems);
  process.stdout.write(`${name} is good. Understood:\n\n${describeSettings(settings)}\n`);
}

function update(command: Extract<Command, { kind: 'update' }>): void {
  const { path, notes } = updateConfig(command);
  for (const note of notes) process.stdout.write(`note  ${note}\n`);
  process.stdout.write(
    `${path}: login.tokenStore.tokenRefreshExtensionHours is ${command.hours}. Restart the gateway.\n`,
  );
}

function start(options: ServeOptions, log: Log): Promise<Gateway> {
  if (options.workers === 1) return startGateway({ ...options, log });
  return startWorkers({ ...options, log, gaveUp: () => process.exit(1) });
}

async function serve(options: ServeOptions): Promise<void> {
  const log = createConsoleLog(options.level, options.format);
  const gateway = await start(options, log);
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
  if (command.kind === 'help') process.stdout.write(usage[command.verb]);
  else if (command.kind === 'validate') validate(command);
  else if (command.kind === 'update') update(command);
  else await serve(command.serve);
}

/** What went wrong, for a person: a configuration is refused with every problem listed. */
function explain(error: unknown): string {
  if (!(error instanceof ConfigError)) return `Easy Auth stopped: ${messageOf(error)}`;
  const verb = process.argv[2] ?? '';
  if (!['validate', 'update'].includes(verb)) return error.message;
  return `easyauth ${verb} refuses:\n${error.problems.map((problem) => `  - ${problem}`).join('\n')}`;
}

if (cluster.isWorker) runWorker();
else
  run().catch((error: unknown) => {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = 1;
  });
