/** Another holder kept a user's document locked for too long. */
export class StoreBusyError extends Error {
  override readonly name = 'StoreBusyError';
}

/** The document was written or removed by another since it was read. */
export class StoreConflictError extends Error {
  override readonly name = 'StoreConflictError';
}

/**
 * The store gives no answer. `refused`: it does not let this gateway in, which somebody must mend. `unreachable`: try again later.
 * The message is for the log and holds neither the address's signature nor a token.
 */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  constructor(
    readonly failure: 'refused' | 'unreachable',
    message: string,
  ) {
    super(message);
  }
}
