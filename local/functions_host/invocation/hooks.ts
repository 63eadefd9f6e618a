import type { Core } from '../app/core_module.js';
import type { HookCallback, RpcLogCategory, RpcLogLevel } from '../app/core_types.js';
import { errorText } from '../errors.js';
import type { Log, LogFields } from '../log.js';

/** Runs hooks one after the other, in the order they were registered; the first that throws ends it. */
export async function runHooks(hooks: readonly HookCallback[], context: object): Promise<void> {
  for (const hook of hooks) await hook(context);
}

export interface LogEvent {
  level: RpcLogLevel;
  category: RpcLogCategory;
  message: string;
}

let inLogHook = false;

/** Writes a log event of the app after its `log` hooks, which may change level and message. A hook that logs is not hooked again. */
export function writeWithLogHooks(
  target: { core: Core; log: Log; area: string; fields?: LogFields; invocationContext?: object | undefined },
  event: LogEvent,
): void {
  const { core, log, area, fields = {}, invocationContext } = target;
  const hooks = core.hooks('log');
  const context = { ...event, hookData: core.hookData, invocationContext };
  if (hooks.length > 0 && !inLogHook) {
    inLogHook = true;
    try {
      for (const hook of hooks) hook(context);
    } catch (error) {
      log.write('error', 'Host.Hooks', `a log hook failed: ${errorText(error)}`);
    } finally {
      inLogHook = false;
    }
  }
  log.write(context.level, area, context.message, fields);
}
