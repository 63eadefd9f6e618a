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

/** What a read brings: `unchanged` when the present version is the one the reader knows, undefined when there is no document. */
export type ReadResult = StoredDocument | 'unchanged' | undefined;

/**
 * Where users' token documents are kept: one document a user, opaque here. Several gateways may share one store.
 * `user` is lower-case hexadecimal. Every method may throw StoreUnavailableError.
 */
export interface TokenStore {
  /** How old what a gateway remembers of a busy user may get before the store is asked again, in milliseconds. */
  readonly glanceMs: number;
  /** What is stored at this moment. */
  read(user: string, known?: string): ReadResult | Promise<ReadResult>;
  /**
   * Replaces the whole document; readers see the old one or the new one, never a part.
   * @param replaces the version the new document was made from; undefined when there was none
   * @throws StoreConflictError when another version is stored by now
   */
  write(user: string, text: string, replaces: string | undefined): Promise<void>;
  remove(user: string): Promise<void>;
  /**
   * Runs `work` while no other gateway or request runs one for the same user.
   * @throws StoreBusyError when the right could not be had in time
   */
  exclusive<T>(user: string, work: (lease: Lease) => Promise<T>): Promise<T>;
  /**
   * Whether `key` (64 hexadecimal digits) is claimed for the first time, over all gateways that share the store. A claim holds for
   * ten minutes at least.
   */
  claim(key: string): Promise<boolean>;
  /** When the document was last written, in milliseconds since 1970; undefined when there is none. */
  writtenAt(user: string): Promise<number | undefined>;
  /**
   * Users of one of 16 parts of the store (a hexadecimal digit) whose document was last written before `before`. What killed
   * gateways left lying in that part is removed on the way.
   */
  unusedSince(part: string, before: number): AsyncIterable<string>;
  close(): Promise<void>;
}

/** The parts a store is swept in. */
export const storeParts = [...'0123456789abcdef'];

const userForm = /^[0-9a-f]{16,128}$/;

/** The name of a user's document. @throws TypeError for anything but a user key: nothing else may reach a path */
export function documentName(user: string): string {
  if (!userForm.test(user)) throw new TypeError('a user key is lower-case hexadecimal');
  return `${user}.json`;
}

/** The name of the mark that a claim leaves. @throws TypeError for anything but a hash */
export function claimName(key: string): string {
  if (!/^[0-9a-f]{64}$/.test(key)) throw new TypeError('a claim is named by a hash in hexadecimal');
  return `${key}.claim`;
}

/** The user a document name belongs to; undefined for any other name. */
export function userOfDocument(name: string): string | undefined {
  const user = name.endsWith('.json') ? name.slice(0, -5) : '';
  return userForm.test(user) ? user : undefined;
}
