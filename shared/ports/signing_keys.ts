/** A signing key without what is secret of it. Times in ms. */
export interface SigningKeyFacts {
  readonly kid: string;
  readonly createdAt: number;
  readonly retiredAt?: number;
}

/** The broker's own signing keys, for those who run it. */
export interface SigningKeys {
  list(): Promise<readonly SigningKeyFacts[]>;
  /** A new key that is nowhere yet. */
  prepare(): Promise<{
    readonly kid: string;
    readonly createdAt: number;
    /**
     * Puts it behind the keys that are known, so that two who saw the same keys cannot both add one.
     * @returns false when somebody else was first
     */
    add(known: number): Promise<boolean>;
  }>;
  /** False when there is no such key, or somebody else is changing it. */
  retire(kid: string, at: number): Promise<boolean>;
}
