/** A user's document as stored, and a mark that changes with every write. */
export interface StoredDocument {
  readonly version: string;
  readonly text: string;
}

/** The right to change one user's document, held for a bounded time. */
export interface Lease {
  /** Whether the right was lost, because it was held too long and another took over. */
  lost(): Promise<boolean>;
}

/**
 * Where users' token documents are kept: one document a user, opaque here. Several gateways may share one store.
 * `user` is lower-case hexadecimal.
 */
export interface TokenStore {
  /** The present version, or undefined when there is no document. Cheap: asked on every request with a session. */
  version(user: string): string | undefined | Promise<string | undefined>;
  read(user: string): Promise<StoredDocument | undefined>;
  /** Replaces the whole document; readers see the old one or the new one, never a part. */
  write(user: string, text: string): Promise<void>;
  remove(user: string): Promise<void>;
  /**
   * Runs `work` while no other gateway or request runs one for the same user.
   * @throws StoreBusyError when the right could not be had in time
   */
  exclusive<T>(user: string, work: (lease: Lease) => Promise<T>): Promise<T>;
}

/** Another holder kept a user's document locked for too long. */
export class StoreBusyError extends Error {
  override readonly name = 'StoreBusyError';
}
