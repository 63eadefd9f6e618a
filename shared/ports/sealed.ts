import type { Connection } from '../domain/connection.js';
import type { SealContext } from '../domain/seal_context.js';
import type { Page, Versioned } from '../ports.js';

/** A sealed value of the broker's own, in its row. */
export interface SealedPlace {
  readonly sealed: string;
  readonly context: SealContext;
  /** False when the row has changed since it was read. */
  replace(sealed: string): Promise<boolean>;
}

/** Everything that lies sealed, for those who change the key it is sealed under. */
export interface SealedPlaces {
  /** Signing keys, and the secret that all instances share. */
  own(): Promise<readonly SealedPlace[]>;
  /** Every connection, a page at a time; one whose row cannot be read is only counted. */
  connections(
    cursor: string | undefined,
  ): Promise<Page<Versioned<Connection>> & { readonly unreadable: number }>;
}
