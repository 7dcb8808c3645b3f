/** Every bound of the system, named with its unit. DESIGN's letters are explained in ARCHITECTURE.md. */

const KIB = 1024;
const MIB = 1024 * KIB;

export const LIMITS = {
  /** A span's JSON as received. */
  spanBytes: 256 * KIB,
  /** Arrays and objects inside one another in a span. */
  spanNesting: 64,
  /** Characters of a timestamp; RFC 3339 allows any number of fraction digits. */
  timestampChars: 64,
  /** Characters of a tenant's name. */
  tenantChars: 128,
  /** Characters of a node's name. */
  nodeNameChars: 64,
  /** Characters of any indexed or filtered text. */
  filterChars: 1024,

  /** An entry: header, change and signature with their framing. */
  entryBytes: 512 * KIB,
  headerBytes: KIB,
  /** Spans, statements or assertions of one entry. */
  entryItems: 1000,
  /** The spans of one batch before compression: so that even incompressible ones fit an entry. */
  batchBytes: 480 * KIB,
  /** Spans in one batch. */
  batchSpans: 1000,
  /** Batches shorter than this are left to the frame's compression. */
  compressBatchFromBytes: 4 * KIB,
  /** Heads of earlier epochs that the first entry of an epoch names. */
  namedHeads: 8,

  /** A segment ends at whichever of these comes first; see also a UTC day and the epoch. */
  segmentSpans: 4000,
  segmentBytes: 1 * MIB,

  /** How far a stamp may run ahead of our clock before it stops counting. */
  clockSkewMs: 60_000,

  frameBytes: 1 * MIB,
  /** Frames shorter than this go uncompressed. */
  compressFrameFromBytes: KIB,
  /** One piece handed to the encryption at a time. */
  writeBytes: 64 * KIB,
  /** Above this many unsent bytes a link counts as slow. */
  linkBufferBytes: 4 * MIB,
  /** Bytes of entries a peer may send before it is told that there is room again. */
  creditBytes: 4 * MIB,
  /** Entries gathered into one frame end at this size, so that one more of the largest still fits the frame. */
  entriesFrameBytes: 256 * KIB,
  /** Feeds in one list of a message. */
  feedsPerMessage: 256,
  /** A compared range with more feeds or more bytes than this is told by its digest alone, unless it is one feed. */
  feedsListed: 64,
  listedBytes: 64 * KIB,
  /** Holdings gathered into one frame: compared ranges, news, or a receipt. */
  holdingsFrameBytes: 512 * KIB,
  /** Key ranges that one message may compare. */
  rangesPerComparison: 256,
  /** Parts a differing range of holdings is split into. */
  compareFanout: 16,
  /** Ranges one `want` may name. */
  rangesPerWant: 256,
  /** Entries asked for at a time of a history that is not held yet, newest first; at least a whole segment. */
  entriesPerWant: 4000,
  /** A range asked for and not moving for so long is asked for again. */
  askedMs: 15_000,
  /** How long a feed is then not asked of the same peer again, so that others get their turn. */
  brokenWordMs: 60_000,
  /** Entries that prove a fork. */
  proofEntries: 2,
  /** Ranges a peer may have asked for and not got yet. */
  owedRanges: 1024,
  /** Ranges of one feed: a peer that scatters more is refused. */
  rangesPerFeed: 1024,
  /** Scopes a peer may offer: with the longest of names they fit a frame. */
  offeredScopes: 7_000,
  /** Tenants shared by name: each is offered with all its scopes. */
  sharedTenants: 2_300,
  /** Certificates of a hello, and their bytes together. */
  certificates: 4,
  certificateBytes: 16 * KIB,
  /** Feeds of ours that one peer may have compared at once, and from then on; then it is not read from for a while. */
  comparedFeeds: 100_000,
  comparedFeedsPerSecond: 20_000,
  comparePauseMs: 2_000,
  /** Ranges that one peer may claim to hold beyond as many as we hold ourselves: more are not remembered for now. */
  claimedRanges: 20_000,
  /** A peer that offers its scopes again sooner than this is compared with only then. */
  offerGapMs: 1_000,

  handshakeMs: 5_000,
  heartbeatMs: 5_000,
  /** Silence after which a link is taken for dead: two heartbeats and some grace. */
  silenceMs: 12_000,
  backoffFirstMs: 1_000,
  backoffMostMs: 30_000,
  /** Links that have shaken hands and not yet said hello. */
  greetingLinks: 64,
  greetingsPerKey: 4,
  peers: 1_000,
  addressChars: 512,

  /** Addresses that discovery found, together and of one method; a flood displaces what has proven nothing. */
  candidates: 256,
  candidatesPerMethod: 128,
  /** Addresses whose failures are remembered, also of candidates that have gone. */
  rememberedFailures: 2_048,
  /** Dials of candidates at a time, and within a minute. */
  scouts: 8,
  scoutsPerMinute: 60,
  /** Addresses of one key that are dialled by turns. */
  placesTried: 3,
  /** Waits after dials of a candidate that came to nothing, and of one that refused us or that nobody trusts. */
  scoutFirstMs: 15_000,
  scoutMostMs: 30 * 60_000,
  strangerFirstMs: 5 * 60_000,
  strangerMostMs: 24 * 60 * 60_000,
  /** Peers that one message tells of, how seldom one is taken, and how long that counts. */
  acquaintances: 64,
  acquaintGapMs: 5_000,
  hearsayMs: 30 * 60_000,
  /** Tenants of which one message tells how they are read, and how seldom one is taken. */
  readingClaims: 512,
  readingsGapMs: 2_000,
  /** What has been told is told again after so long. */
  readingsRefreshMs: 60_000,
  /** How long a finding counts, whatever it says itself. */
  foundLeastMs: 5_000,
  foundMostMs: 24 * 60 * 60_000,
  /** How long an address is remembered that a key has proven itself at. */
  provenMs: 30 * 24 * 60 * 60_000,
  /** The time in which the network's hint stays the same. */
  hintSlotMs: 60 * 60_000,

  /** Statements of one entry. */
  statementsBytes: 128 * KIB,
  statementsPerEntry: 256,
  /** Feeds that one statement cuts; a key with more of them is cut by several. */
  cutsPerStatement: 1024,
  /** Revocations that one `verify` overrides. */
  overriddenRevocations: 64,
  prioritisedNodes: 256,
  reasonChars: 500,
  fieldChars: 256,
  actChars: 1024,
  /** Assertions of one entry: those of one change to a span. */
  assertionsBytes: 256 * KIB,
  assertionsPerEntry: 256,
  /** Of one feed about one field of a span, or one tag: the latest count, and of so many fields and tags. */
  assertionsPerField: 64,
  notesPerFeed: 256,
  assertedFields: 512,
  /** Assertions that one supersedes. */
  supersededAssertions: 64,
  /** A member of a span's `metadata` as canonical JSON, and its name. */
  metadataValueChars: 4 * KIB,
  metadataKeyChars: 256,
  tagChars: 1024,
  /** A note, or what is said with a resolution. */
  noteChars: 4 * KIB,
  /** Annotated members, tags and notes of one span that are shown. */
  shownFields: 256,
  shownTags: 256,
  shownNotes: 256,
  /** Of one origin: live statements, and bytes of their entries. */
  trustStatements: 10_000,
  trustBytes: 4 * MIB,
  /** Origins of statements about nodes, and those among them that nobody whom we trust knows. */
  trustOrigins: 10_000,
  trustStrangers: 1_000,
  /** Keys that may follow one another by rotation, and bytes of the entries of a hello that say so. */
  rotations: 16,
  rotationBytes: 32 * KIB,
  /** Feeds that a rotation cuts: with so many its entry fits a hello. */
  cutsPerRotation: 512,

  /** One log file before the next is begun. */
  logFileBytes: 64 * MIB,
  /** A write or a sync that takes longer latches the store read-only. */
  diskMs: 30_000,
  /** Work committed together: bytes and jobs. */
  commitBytes: 4 * MIB,
  commitJobs: 4096,
  /** Weight of one commit's entries from peers: their spans as text, and something for each entry. */
  gateCommitBytes: 4 * MIB,
  gateEntryBytes: 4 * KIB,
  /** Weight checked before other work gets a turn. */
  gateBreathBytes: 512 * KIB,
  /** Work waiting for the disk before callers are told to come back. */
  waitingBytes: 64 * MIB,
  waitingJobs: 65_536,
  /** Rows kept in memory before they go to the index in one batch. */
  indexRows: 8192,
  indexRowBytes: 8 * MIB,
  /** Decoded batches kept for reading. */
  batchCacheBytes: 4 * MIB,
  /** Entries with the same span id that are told apart. */
  spanVariants: 64,

  pageSpans: 1000,
  pageConflicts: 100,
  /** Of one conflict: candidates shown, and bytes of their bodies. */
  conflictCandidates: 64,
  conflictBytes: 4 * MIB,
  /** A page ends with the span that crosses this. */
  pageBytes: 16 * MIB,
  /** Rows a filtered page may look at before it answers with what it has. */
  pageRows: 20_000,
  /** Events a follower may fall behind before it reads from the log again. */
  followerEvents: 1024,
} as const;
