import Module from 'node:module';
import { SystemError, SystemRangeError } from '../errors.js';
import {
  type CoreApi,
  type FunctionCallback,
  type FunctionMetadata,
  type HookCallback,
  type HookName,
  hookNames,
  type ProgrammingModel,
  type RpcLogCategory,
  type RpcLogLevel,
} from './core_types.js';
import { Disposable } from './disposable.js';

export interface RegisteredFunction {
  metadata: FunctionMetadata;
  callback: FunctionCallback;
}

/** What the app has told its host so far. */
export interface Core {
  api: CoreApi;
  functions(): readonly RegisteredFunction[];
  hooks(name: HookName): readonly HookCallback[];
  /** Shared by the hooks of the app as a whole: appStart, appTerminate, log. */
  hookData: Record<string, unknown>;
  /** No registration after this: the app has started. */
  seal(): void;
}

export type CoreLog = (level: RpcLogLevel, category: RpcLogCategory, message: string) => void;

const workerVersion = '3.13.0';
export const hostVersion = '4.1048.0';

/** A core module with nothing registered. `log` takes what the library says outside an invocation. */
export function createCore(log: CoreLog): Core {
  const functions = new Map<string, RegisteredFunction>();
  const hooks = new Map<HookName, HookCallback[]>(hookNames.map((name) => [name, []]));
  let model: ProgrammingModel | undefined;
  let sealed = false;

  const registerFunction = (metadata: FunctionMetadata, callback: FunctionCallback) => {
    if (sealed) {
      throw new SystemError(`A function can only be registered during app startup: "${metadata.name}".`);
    }
    const key = String(metadata.name).toLowerCase();
    if (functions.has(key)) {
      throw new SystemError(`A function with the name "${metadata.name}" is registered twice.`);
    }
    functions.set(key, { metadata, callback });
    return new Disposable(() => functions.delete(key));
  };

  const registerHook = (name: string, callback: HookCallback) => {
    const list = hooks.get(hookNames.find((known) => known === name) ?? unknownHook(name));
    list?.push(callback);
    return new Disposable(() => list?.splice(list.indexOf(callback), 1));
  };

  return {
    api: {
      version: workerVersion,
      hostVersion,
      registerFunction,
      registerHook,
      setProgrammingModel: (given) => {
        model = given;
      },
      getProgrammingModel: () => model,
      log,
      Disposable,
    },
    hookData: {},
    functions: () => [...functions.values()],
    hooks: (name) => hooks.get(name) ?? [],
    seal: () => {
      sealed = true;
    },
  };
}

function unknownHook(name: string): never {
  throw new SystemRangeError(`Unrecognized hook "${name}"; known: ${hookNames.join(', ')}.`);
}

/**
 * Makes `require('@azure/functions-core')` yield `api` everywhere in this process. The library is CommonJS, so this
 * serves ES module apps too. It keeps the first answer for good: one host a process.
 */
export function provideCoreModule(api: CoreApi): void {
  const original = Module.prototype.require;
  const patched = function (this: NodeJS.Module, id: string): unknown {
    return id === '@azure/functions-core' ? api : Reflect.apply(original, this, [id]);
  };
  Module.prototype.require = Object.assign(patched, original);
}
