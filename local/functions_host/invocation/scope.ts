import { AsyncLocalStorage } from 'node:async_hooks';

/** Whose code is running: an invocation, or an entry file being loaded. */
export type Scope = { functionName: string; invocationId: string } | { entryFile: string };

const storage = new AsyncLocalStorage<Scope>();

/** Runs `work`; everything it starts can be traced back to `scope`, even an error nobody catches. */
export function runInScope<T>(scope: Scope, work: () => T): T {
  return storage.run(scope, work);
}

/** The scope of the running code, or undefined when it is the host's own. */
export function currentScope(): Scope | undefined {
  return storage.getStore();
}
