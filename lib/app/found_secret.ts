/** Secrets, as the library takes and gives them. */
import type { LayerConfig } from "../messages/transport_config.ts";

/** Where a user keeps a secret, if not at the usual place. */
export interface SecretPlace {
  /** A file that nobody else can read. */
  readonly file?: string;
  /** The secret itself, as it would stand in a file. */
  readonly text?: Uint8Array;
}

/** A secret as the library uses it. */
export interface FoundSecret {
  /** For `layers`. It holds the keys. */
  readonly layer: LayerConfig;
  /** Four words for each line of it, by which people tell secrets apart. */
  readonly fingerprints: readonly string[];
  /** Whether it was thought up, and is easily guessed. */
  readonly isWeak: boolean;
  /** The file that it was read from, or written to. */
  readonly path?: string;
}
