import { createEarlyLog } from './app/load_app.js';
import { readArguments, usage } from './arguments.js';
import { errorText, HostStartError } from './errors.js';
import { watchFaults } from './faults.js';
import { type FunctionsHost, startFunctionsHost } from './host.js';

// A reader that goes away must not end the host, nor make it report, into the same broken pipe, that it did.
process.stdout.on('error', () => undefined);
const print = (line: string) => void process.stdout.write(`${line}\n`);
let host: FunctionsHost | undefined;
let ending = false;
const earlyLog = createEarlyLog(print, Date.now);
const log = () => host?.log ?? earlyLog;

/** Ends the process once what was written is out; a second call changes nothing. */
function exit(code: number): void {
  if (ending) return;
  ending = true;
  process.stdout.write('', () => process.exit(code));
}

async function stop(): Promise<void> {
  try {
    await host?.close();
    exit(0);
  } catch (error) {
    log().write('error', 'Host.Shutdown', errorText(error));
    exit(1);
  }
}

function watchSignals(): void {
  let asked = false;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGBREAK', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // Asked twice, somebody is in a hurry.
      if (asked) exit(1);
      asked = true;
      void stop();
    });
  }
}

async function main(): Promise<void> {
  watchFaults(log, () => {
    if (host) void host.abandon('the process is ending').finally(() => exit(1));
    else exit(1);
  });
  watchSignals();
  const args = readArguments(process.argv.slice(2), process.env);
  if (!args) {
    print(usage);
    return exit(0);
  }
  host = await startFunctionsHost({ ...args, env: process.env, log: print, onFatal: () => exit(1) });
}

main().catch((error: unknown) => {
  const problems = error instanceof HostStartError ? error.problems : [errorText(error)];
  for (const problem of problems) earlyLog.write('error', 'Host.Startup', problem);
  exit(1);
});
