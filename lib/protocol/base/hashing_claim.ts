/** What a server says of a file that it is hashing, over UDP or TCP. */
export interface HashingClaim {
  readonly sizeBytes: number;
  readonly hashedBytes: number;
  /** Of this file, lately; 0 while it waits for others. */
  readonly rateBytesPerS: number;
}
