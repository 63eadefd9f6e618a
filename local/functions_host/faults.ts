import { errorText } from './errors.js';
import { currentScope } from './invocation/scope.js';
import type { Log } from './log.js';

/**
 * Watches for errors nobody caught. Each is logged with the function whose code threw it, and the first one calls `end`: Azure
 * ends the worker process too.
 */
export function watchFaults(log: () => Log, end: () => void): void {
  const report = (what: string) => (error: unknown) => {
    const scope = currentScope();
    const fields =
      scope === undefined
        ? {}
        : 'entryFile' in scope
          ? { entryFile: scope.entryFile }
          : { function: scope.functionName, invocation: scope.invocationId };
    log().write('critical', 'Host.Fault', `${what}, the process ends: ${errorText(error)}`, fields);
    end();
  };
  process.on('uncaughtException', report('uncaught exception'));
  process.on('unhandledRejection', report('unhandled rejection'));
}
