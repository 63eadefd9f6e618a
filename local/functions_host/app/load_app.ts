import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { HostStartError } from '../errors.js';
import { runHooks, writeWithLogHooks } from '../invocation/hooks.js';
import { createLog, type Log } from '../log.js';
import { type Core, createCore, provideCoreModule } from './core_module.js';
import { loadEntryFiles } from './entry_files.js';
import { type HostFunction, readFunctions } from './functions.js';
import type { Report } from './section.js';

/** A report that keeps what it is told; `refuse` throws when there was any problem. */
export interface Findings extends Report {
  problems: readonly string[];
  warnings: readonly string[];
  refuse(): void;
}

/** Collects problems and warnings, each once. */
export function createFindings(): Findings {
  const problems = new Set<string>();
  const warnings = new Set<string>();
  return {
    problem: (text) => problems.add(text),
    warning: (text) => warnings.add(text),
    get problems() {
      return [...problems];
    },
    get warnings() {
      return [...warnings];
    },
    refuse() {
      if (problems.size > 0) throw new HostStartError([...problems]);
    },
  };
}

/** A core module whose log lines go through the app's log hooks. */
export function createLoggingCore(log: Log): Core {
  const core: Core = createCore((level, category, message) =>
    writeWithLogHooks({ core, log, area: 'Host.Library' }, { level, category, message }),
  );
  return core;
}

/**
 * Loads the app's entry files against `core` and reads what they registered. Problems go to `report`: an entry that throws, no functions
 * at all, streaming switched on.
 */
export async function loadApp(
  appRoot: string,
  core: Core,
  options: { report: Findings; only: readonly string[] | undefined },
): Promise<HostFunction[]> {
  const { report, only } = options;
  provideCoreModule(core.api);
  await loadEntryFiles(appRoot, report);
  const registered = core.functions();
  if (registered.length === 0) report.problem('the app has 0 functions: no entry file registered one');
  if (report.problems.length > 0) return readFunctions(registered, report);
  await start(appRoot, core, report);
  core.seal();
  const names = only?.map((name) => name.toLowerCase());
  return readFunctions(registered, report).filter((fn) => !names || names.includes(fn.name.toLowerCase()));
}

async function start(appRoot: string, core: Core, report: Report): Promise<void> {
  const context = { hookData: core.hookData, functionAppDirectory: appRoot };
  try {
    await runHooks(core.hooks('appStart'), context);
  } catch (error) {
    report.problem(`an appStart hook failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  const capabilities = await core.api.getProgrammingModel()?.getCapabilities({});
  if (capabilities && 'HttpUri' in capabilities) {
    report.problem(
      'enableHttpStream is not served: remove it from app.setup, this host runs buffered mode only',
    );
  }
}

/** The id under which processes of the same app on the same machine share timers; at most 32 characters. */
export function defaultHostId(appRoot: string): string {
  const machine =
    hostname()
      .toLowerCase()
      .replace(/[^a-z0-9-]/g, '')
      .slice(0, 19) || 'local';
  return `${machine}-${createHash('sha256').update(appRoot).digest('hex').slice(0, 12)}`;
}

/** As {@link createLog}, for what happens before host.json has been read. */
export function createEarlyLog(sink: (line: string) => void, now: () => number): Log {
  return createLog({ sink, now, thresholds: {} });
}
