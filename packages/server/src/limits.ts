/** Every bound of the service itself, named with its unit; those of the library are its `LIMITS`. */

const KIB = 1024;
const MIB = 1024 * KIB;

export const SERVER_LIMITS = {
  /** A JSON body of spans; longer uploads go as lines. */
  spanBodyBytes: 8 * MIB,
  /** Spans in one JSON array. */
  arraySpans: 20_000,
  /** Any other JSON body. */
  bodyBytes: 64 * KIB,
  /** How long a JSON body may take to arrive, and a line of an upload from its first byte to its last. */
  bodyMs: 60_000,
  /** Silence on a connection that waits for its request or the rest of it. */
  idleMs: 60_000,
  headersMs: 10_000,
  keepAliveMs: 10_000,
  /** How long the rest of a refused body is read and thrown away, so that the answer is not lost with the connection. */
  drainMs: 1_000,

  /** An upload's lines go to the node in pieces of so many lines or bytes, so many pieces at a time. */
  pieceLines: 500,
  pieceBytes: 256 * KIB,
  piecesInFlight: 2,
  /** Spans listed one by one in an answer. */
  listedSpans: 1_000,

  /** Spans of a page read together, and bytes after which a page ends early. */
  pageStep: 100,
  pageBytes: 8 * MIB,
  pageDefault: 100,

  /** Streams at once: of all, and of one caller that a token or the gateway names. */
  streams: 1_000,
  streamsPerCaller: 100,
  heartbeatMs: 15_000,

  /** Pairs of tenant and peer in one answer; the rest is left out. */
  replicationRows: 1_000,
  readingRows: 1_000,

  /** How long a request waits for a sync before it is told of a job. */
  syncAnswerMs: 13_000,
  syncJobMs: 10 * 60_000,
  /** After this, a sync that nobody connected could bring forward ends. */
  syncPatienceMs: 6_000,
  jobsRunning: 8,
  /** Of one caller that a token or the gateway names. */
  jobsPerCaller: 2,
  jobsKept: 100,
  jobsKeptMs: 60 * 60_000,

  /** How long the methods of discovery may look; with the dials that follow it is less than the gateway waits. */
  lookMs: 5_000,
  /** How long a request waits for a dial to come to something. */
  dialAnswerMs: 5_500,
  /** A peer that is neither dialled nor connected for so long will not answer this time. */
  dialSettledMs: 500,

  /** Requests under way get so long to finish when the service stops. */
  finishMs: 5_000,
  /** Peers and tenants that figures name one by one; the others count together. */
  metricPeers: 50,
  metricTenants: 50,
  /** How late the event loop runs is told of windows of this length. */
  loopWindowMs: 60_000,

  /** How often an expiry that is near is told. */
  expiryEveryMs: 24 * 60 * 60_000,
  /** A sample of the latency to each connected peer. */
  latencyEveryMs: 5_000,
  headerChars: 256,
  /** Of headers that are longer by nature: tokens, and the scope words of a user. */
  tokenChars: 8192,
  scopeChars: 4096,

  /** A published key set, and how long it may take to fetch. */
  keySetBytes: 256 * KIB,
  keySetMs: 5_000,
  /** Callers with an allowance of their own within a minute; those beyond share one. */
  callersCounted: 10_000,
  /** Wrong tokens a minute from one address, and how many addresses and right tokens are remembered. */
  failedLogins: 30,
  failedLoginAddresses: 10_000,
  rightCredentials: 10_000,
  loggedChars: 500,
} as const;
