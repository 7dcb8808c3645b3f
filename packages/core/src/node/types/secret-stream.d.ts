/** The part of @hyperswarm/secret-stream that we call; the package ships no types. */
declare module '@hyperswarm/secret-stream' {
  import type { EventEmitter } from 'node:events';
  import type { Duplex } from 'node:stream';

  interface SecretStreamOptions {
    readonly keyPair: { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };
    /** False turns off the unordered messages that only a datagram transport has. */
    readonly enableSend: boolean;
  }

  /** Events: `connect`, `data` (Uint8Array), `end`, `error`, `close`. */
  export default class SecretStream extends EventEmitter {
    constructor(isInitiator: boolean, rawStream: Duplex, options: SecretStreamOptions);
    /** Both are set from `connect` on. */
    readonly remotePublicKey: Uint8Array | null;
    readonly handshakeHash: Uint8Array | null;
    write(bytes: Uint8Array): boolean;
    pause(): this;
    resume(): this;
    destroy(error?: Error): void;
  }
}
