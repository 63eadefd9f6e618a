import type { Core } from '../app/core_module.js';
import type { CoreInvocationContext, InvocationRequest, InvocationResponse } from '../app/core_types.js';
import type { HostFunction } from '../app/functions.js';
import { SystemError } from '../errors.js';
import type { Log } from '../log.js';
import { runHooks, writeWithLogHooks } from './hooks.js';

/** Takes one invocation through the library: arguments, hooks, the handler, hooks, response. */
export async function runThroughLibrary(
  { core, log }: { core: Core; log: Log },
  fn: HostFunction,
  request: InvocationRequest,
): Promise<InvocationResponse> {
  const model = core.api.getProgrammingModel();
  if (!model) throw new SystemError('The app has set no programming model.');
  const current: { context?: object } = {};
  const coreContext = createContext({ core, log, current }, fn, request);
  const invocation = await model.getInvocationModel(coreContext);
  const { context, inputs } = await invocation.getArguments();
  current.context = context;
  const hookData: Record<string, unknown> = {};

  const before = { hookData, invocationContext: context, inputs, functionCallback: fn.callback };
  await inState(coreContext, 'preInvocationHooks', () => runHooks(core.hooks('preInvocation'), before));

  const after: Outcome = {
    hookData,
    invocationContext: context,
    inputs: before.inputs,
    result: null,
    error: null,
  };
  await inState(coreContext, 'invocation', async () => {
    try {
      after.result = await invocation.invokeFunction(context, before.inputs, before.functionCallback);
    } catch (error) {
      after.error = error ?? new Error('the handler threw nothing');
    }
  });
  await inState(coreContext, 'postInvocationHooks', () => runHooks(core.hooks('postInvocation'), after));
  if (after.error !== null && after.error !== undefined) throw after.error;
  return invocation.getResponse(context, after.result);
}

interface Outcome {
  hookData: Record<string, unknown>;
  invocationContext: object;
  inputs: unknown[];
  result: unknown;
  error: unknown;
}

/** The library warns of a late `context.log` unless `state` says which stage is running. */
async function inState(
  context: CoreInvocationContext,
  state: NonNullable<CoreInvocationContext['state']>,
  work: () => Promise<void>,
): Promise<void> {
  context.state = state;
  try {
    await work();
  } finally {
    context.state = undefined;
  }
}

function createContext(
  { core, log, current }: { core: Core; log: Log; current: { context?: object } },
  fn: HostFunction,
  request: InvocationRequest,
): CoreInvocationContext {
  const fields = { function: fn.name, invocation: request.invocationId };
  return {
    invocationId: request.invocationId,
    request,
    metadata: fn.metadata,
    state: undefined,
    log(level, category, message) {
      const area = category === 'user' ? `Function.${fn.name}.User` : `Function.${fn.name}`;
      const target = { core, log, area, fields, invocationContext: current.context };
      writeWithLogHooks(target, { level, category, message });
    },
  };
}
