import { randomUUID } from 'node:crypto';
import type { Core } from '../app/core_module.js';
import type { FunctionMetadata, InvocationRequest, InvocationResponse } from '../app/core_types.js';
import type { HostFunction } from '../app/functions.js';
import type { Clock } from '../clock.js';
import { InvocationCutOffError } from '../errors.js';
import type { Log } from '../log.js';
import { runThroughLibrary } from './run.js';
import { runInScope } from './scope.js';

/** What a trigger hands to its function. */
export type InvocationInput = Pick<InvocationRequest, 'triggerMetadata' | 'retryContext'> & {
  data: InvocationRequest['inputData'][number]['data'];
  /** The caller's `traceparent` and `tracestate`, when it sent them. */
  traceParent?: string | undefined;
  traceState?: string | undefined;
};

/** Runs invocations and knows which are running. */
export interface Invoker {
  /** Runs the function with its hooks and sends its outputs. Rejects with what it threw, or when cut off. */
  invoke(fn: HostFunction, input: InvocationInput): Promise<InvocationResponse>;
  running(): number;
  /** Resolves when nothing is running. */
  idle(): Promise<void>;
  /** Makes every running invocation fail now, though its code may go on until the process ends. */
  cutOff(reason: string): void;
}

export interface InvokerOptions {
  core: Core;
  log: Log;
  clock: Clock;
  /** Undefined for no limit. */
  timeoutMs: number | undefined;
  /** An invocation outlived `timeoutMs`: the process cannot be trusted any more. */
  onTimeout: (functionName: string, invocationId: string) => void;
  /** Delivers the output bindings of a finished invocation; a rejection fails it. */
  sendOutputs: (fn: HostFunction, response: InvocationResponse) => Promise<void>;
}

export function createInvoker(options: InvokerOptions): Invoker {
  const { clock, log, timeoutMs } = options;
  const running = new Map<string, (error: Error) => void>();
  const waiting: (() => void)[] = [];

  const finish = (id: string) => {
    running.delete(id);
    if (running.size > 0) return;
    for (const resolve of waiting.splice(0)) resolve();
  };

  const expire = (name: string, id: string, reject: (error: Error) => void) => {
    log.write('error', `Function.${name}`, 'timed out', { invocation: id, limitMs: timeoutMs ?? 0 });
    reject(new InvocationCutOffError(`function "${name}" ran longer than functionTimeout`));
    options.onTimeout(name, id);
  };

  const invoke = (fn: HostFunction, input: InvocationInput): Promise<InvocationResponse> => {
    const invocationId = randomUUID();
    return new Promise<InvocationResponse>((resolve, reject) => {
      const cancel =
        timeoutMs === undefined
          ? undefined
          : clock.after(timeoutMs, () => expire(fn.name, invocationId, reject));
      running.set(invocationId, reject);
      runInScope({ functionName: fn.name, invocationId }, async () => {
        const request = toRequest(invocationId, fn, input);
        const response = await runThroughLibrary(options, fn, request);
        if (fn.queueOutputs.length > 0) await options.sendOutputs(fn, response);
        return response;
      })
        .then(resolve, reject)
        .finally(() => {
          cancel?.();
          finish(invocationId);
        });
    });
  };

  return {
    invoke,
    running: () => running.size,
    idle: () => (running.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    cutOff: (reason) => {
      for (const reject of running.values()) reject(new InvocationCutOffError(reason));
    },
  };
}

function toRequest(
  invocationId: string,
  fn: { triggerBinding: string; metadata: FunctionMetadata },
  input: InvocationInput,
): InvocationRequest {
  return {
    invocationId,
    inputData: [{ name: fn.triggerBinding, data: input.data }],
    triggerMetadata: input.triggerMetadata,
    retryContext: input.retryContext,
    traceContext: {
      traceParent: traceParent(invocationId, input.traceParent),
      traceState: input.traceState ?? '',
      attributes: {},
    },
  };
}

/** W3C Trace Context §3.2: the caller's trace goes on under a span of this invocation, or a new one begins. */
function traceParent(invocationId: string, given: string | undefined): string {
  const hex = invocationId.replaceAll('-', '');
  const match = given ? /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/.exec(given) : null;
  return `00-${match?.[1] ?? hex}-${hex.slice(16)}-${match?.[2] ?? '00'}`;
}
