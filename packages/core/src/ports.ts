/** What the core needs from the world outside it. Adapters live in `node/` and `testing/`. */

/** An Ed25519 key pair. `secretKey` is the 64-byte form (seed followed by public key). */
export interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

/** Hashing and signatures, synchronous so that the core stays pure. */
export interface Crypto {
  /** SHA-256 of the concatenation of `parts`, 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** Ed25519 signature of `message`, 64 bytes. */
  sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array;
  /** False for a signature that is not exactly 64 bytes long, whatever it says. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  /** Whether `publicKey` is 32 bytes, canonically encoded, and not of small order. */
  isSafePublicKey(publicKey: Uint8Array): boolean;
  /** The key pair of a 32-byte seed. */
  keyPair(seed: Uint8Array): KeyPair;
  /** HMAC-SHA-256, 32 bytes. */
  hmac(key: Uint8Array, message: Uint8Array): Uint8Array;
  /** Argon2id of a network key under a fixed label, 32 bytes. Slow by design: call it once at start. */
  stretch(secret: string, label: string): Uint8Array;
  /** CRC-32 (ISO-HDLC) of the concatenation of `parts`, as an unsigned number. */
  crc32(...parts: readonly Uint8Array[]): number;
}

/** UTF-8, both ways. */
export interface Text {
  encode(text: string): Uint8Array;
  /** `undefined` where the bytes are not well-formed UTF-8. A byte order mark is kept, not skipped. */
  decode(bytes: Uint8Array): string | undefined;
}

/** Brotli (RFC 7932). */
export interface Compression {
  compress(bytes: Uint8Array): Uint8Array;
  /** `undefined` where the bytes are damaged or would inflate beyond `outputBytesMax`. */
  decompress(bytes: Uint8Array, outputBytesMax: number): Uint8Array | undefined;
}

/** A timer that has not fired yet. */
export interface Timer {
  cancel(): void;
}

/** Time. `now` may jump; `monotonic` never goes back. Both in milliseconds. */
export interface Clock {
  now(): number;
  monotonic(): number;
  after(delayMs: number, run: () => void): Timer;
}

/** Chance. */
export interface Random {
  bytes(length: number): Uint8Array;
}

/** The synchronous part of the world, handed to the pure core as one value. */
export interface Tools {
  readonly crypto: Crypto;
  readonly text: Text;
  readonly compression: Compression;
}

/** A directory of append-only files: what the log is written to. */
export interface Disk {
  /** Names of the files there, in no order. */
  list(): Promise<readonly string[]>;
  /** Opens a file for reading and appending. With `create` the file is made if absent, and its name is durable on return. */
  open(name: string, options: { readonly create: boolean }): Promise<DiskFile>;
  /** Removes a file; an absent one is no error. */
  remove(name: string): Promise<void>;
}

export interface DiskFile {
  /** Bytes written so far, synced or not. */
  readonly sizeBytes: number;
  /** Appends the parts in order. What was appended is lost by a power cut until `sync` returns. */
  append(parts: readonly Uint8Array[]): Promise<void>;
  /** Makes all that was appended before the call durable (fdatasync). Never retried by the caller. */
  sync(): Promise<void>;
  /** Up to `lengthBytes` bytes from `offsetBytes`; fewer at the end of the file. */
  read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array>;
  /** Cuts the file and makes the cut durable. */
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}

/** A key of an ordered store: every character stands for one byte (code 0 to 255), so strings order as bytes do. */
export type Key = string;

/** An ordered key-value store that is derived from the log, so it need not be durable on its own. */
export interface KeyValue {
  get(key: Key): Uint8Array | undefined;
  /** The values of many keys, in their order, without holding up the caller's thread for each. */
  getMany(keys: readonly Key[]): Promise<readonly (Uint8Array | undefined)[]>;
  /** Applies all of `rows` or none; `undefined` deletes. A crash may lose whole batches, newest first. */
  write(rows: ReadonlyMap<Key, Uint8Array | undefined>): Promise<void>;
  /** Rows with `from <= key < to`, ascending, or descending with `reverse`. */
  scan(range: {
    readonly from: Key;
    readonly to: Key;
    readonly limit: number;
    readonly reverse?: boolean;
  }): Promise<readonly (readonly [Key, Uint8Array])[]>;
  /** Removes every row: the index is about to be rebuilt from the log. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** Bytes that crossed a link, on the wire: after compression and encryption. */
export interface LinkTraffic {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** An encrypted, ordered, lossless connection whose two ends have proven their static keys. */
export interface Link {
  readonly remoteKey: Uint8Array;
  readonly handshakeHash: Uint8Array;
  /** Whether this side dialled. */
  readonly initiator: boolean;
  /** The address that was dialled, or where the other side came from: for people to read, never believed. */
  readonly address: string;
  /** How long the other side took to answer in the handshake, in milliseconds; absent where that was not measured. */
  readonly roundTripMs?: number | undefined;
  readonly traffic: LinkTraffic;
  /** Bytes that `send` has taken and the socket has not. */
  readonly bufferedBytes: number;
  /** Takes one frame of at most `frameBytesMax` bytes. Nothing is sent on a closed link, and that is no error. */
  send(frame: Uint8Array): void;
  /** Names the one receiver. Frames that came before are delivered first, in order. `closed` is called exactly once, last. */
  receive(receiver: LinkReceiver): void;
  /** Stops reading from the socket (`true`) or goes on (`false`): how a slow consumer pushes back. */
  pause(paused: boolean): void;
  /** Flushes what was sent, then closes with a WebSocket close code (4000 to 4999 are ours). Idempotent. */
  close(code: number, reason: string): void;
}

export interface LinkReceiver {
  frame(bytes: Uint8Array): void;
  /** `bufferedBytes` fell below the low-water mark. */
  drained(): void;
  closed(why: { readonly code: number; readonly reason: string }): void;
}

/** Dials peers and takes their calls. */
export interface Transport {
  /** Resolves once the handshake has proven the other side's key; rejects with a `LoglineError` (`unreachable`, `handshake_failed`). */
  dial(address: string, options: { readonly timeoutMs: number }): Promise<Link>;
  /** Names the one taker of incoming links. */
  accept(onLink: (link: Link) => void): void;
  close(): Promise<void>;
}

/** Certificates: how a peer may prove its name by an authority instead of a fingerprint. */
export interface Credentials {
  /** Our own chain, each in DER, the leaf first; empty where we have none. */
  readonly own: readonly Uint8Array[];
  /** Checks a peer's chain for its proven key and the name it goes by, at a time. */
  check(
    chain: readonly Uint8Array[],
    peer: { readonly key: Uint8Array; readonly name: string; readonly nowMs: number },
  ): { readonly ok: true; readonly notAfterMs: number } | { readonly ok: false; readonly reason: string };
}
