/**
 * What `@azure/functions` exchanges with its host through the module `@azure/functions-core`, which is on no registry:
 * the part of that contract this host uses, written from the library's own published sources.
 */
export type RpcLogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';
export type RpcLogCategory = 'user' | 'system' | 'customMetric';

export interface RpcTypedData {
  string?: string;
  json?: string;
  bytes?: Uint8Array;
  int?: number;
  double?: number;
  http?: RpcHttpData;
}

export interface RpcHttpData {
  url?: string;
  method?: string;
  headers?: Record<string, string>;
  query?: Record<string, string>;
  params?: Record<string, string>;
  body?: RpcTypedData | null | undefined;
  statusCode?: string;
  cookies?: RpcHttpCookie[];
}

export interface RpcHttpCookie {
  name: string;
  value: string;
  domain?: { value?: string } | undefined;
  path?: { value?: string } | undefined;
  expires?: { value?: { seconds: number } } | undefined;
  secure?: { value?: boolean } | undefined;
  httpOnly?: { value?: boolean } | undefined;
  /** `none` means not given; `explicitNone` is the attribute `SameSite=None`. */
  sameSite?: 'none' | 'lax' | 'strict' | 'explicitNone';
  maxAge?: { value?: number } | undefined;
}

/** One binding as registered: its type, its direction and every option the app gave. */
export interface BindingInfo {
  type: string;
  direction: string;
  readonly [option: string]: unknown;
}

export interface RetryOptions {
  maxRetryCount?: number;
  retryStrategy?: string;
  delayInterval?: { seconds?: number } | undefined;
  minimumInterval?: { seconds?: number } | undefined;
  maximumInterval?: { seconds?: number } | undefined;
}

export interface FunctionMetadata {
  name: string;
  bindings: Record<string, BindingInfo>;
  retryOptions?: RetryOptions | undefined;
}

export type FunctionCallback = (...args: unknown[]) => unknown;

export interface InvocationRequest {
  invocationId: string;
  inputData: { name: string; data: RpcTypedData }[];
  triggerMetadata?: Record<string, RpcTypedData> | undefined;
  retryContext?: { retryCount: number; maxRetryCount: number; exception?: { message: string } } | undefined;
  traceContext?:
    | { traceParent: string; traceState?: string; attributes?: Record<string, string> }
    | undefined;
}

export interface InvocationResponse {
  outputData?: { name: string; data: RpcTypedData }[] | undefined;
  returnValue?: RpcTypedData | null | undefined;
}

export interface CoreInvocationContext {
  invocationId: string;
  request: InvocationRequest;
  metadata: FunctionMetadata;
  state: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks' | undefined;
  log(level: RpcLogLevel, category: RpcLogCategory, message: string): void;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: object; inputs: unknown[] }>;
  invokeFunction(context: object, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: object, result: unknown): Promise<InvocationResponse>;
}

export interface ProgrammingModel {
  name: string;
  version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel | Promise<InvocationModel>;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

export const hookNames = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation', 'log'] as const;
export type HookName = (typeof hookNames)[number];
export type HookCallback = (context: object) => unknown;

/** The module object the library receives. */
export interface CoreApi {
  version: string;
  hostVersion: string;
  registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): CoreDisposable;
  registerHook(name: string, callback: HookCallback): CoreDisposable;
  setProgrammingModel(model: ProgrammingModel): void;
  getProgrammingModel(): ProgrammingModel | undefined;
  log(level: RpcLogLevel, category: RpcLogCategory, message: string): void;
  Disposable: unknown;
}

export interface CoreDisposable {
  dispose(): unknown;
}
