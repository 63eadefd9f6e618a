/** The app or its configuration cannot be run. Carries every problem found, each a sentence for the person starting it. */
export class HostStartError extends Error {
  override name = 'HostStartError';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** A fault the library reports as the platform's own: `isAzureFunctionsSystemError` is what it looks at. */
export class SystemError extends Error {
  override name = 'SystemError';
  readonly isAzureFunctionsSystemError = true;
}

/** As {@link SystemError}, for a value outside the known set: an unknown hook name. */
export class SystemRangeError extends RangeError {
  readonly isAzureFunctionsSystemError = true;
}

/** The invocation was cut off: it ran longer than `functionTimeout`, or the process is ending. */
export class InvocationCutOffError extends Error {
  override name = 'InvocationCutOffError';
}

/** The text of anything thrown, with its stack when it has one, for a log line. */
export function errorText(error: unknown): string {
  if (error instanceof Error) return error.stack ?? `${error.name}: ${error.message}`;
  return String(error);
}

/** The `code` of a Node or storage error (`EADDRINUSE`, `QueueNotFound`), or its name; never its message. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if ('code' in error && typeof error.code === 'string' && error.code !== '') return error.code;
  return error.name;
}
