// Bugs of the gate, of the evidence of forks, and of the commit behind it.

const GATE = ['gate-header', 'gate-place', 'gate-content', 'evidence'];

/** A check of the gate that lets everything pass. */
function withoutCheck(check, step) {
  const [find, replace] = [step, '() => undefined'].map((run) => `{ name: '${check}', step: ${run} }`);
  return gate(check, 'removed', { find, replace });
}

/** A check of the gate that looks away from one thing. */
function gate(check, what, { file = 'gate.js', find, replace }) {
  return {
    name: `gate: ${check}, ${what}`,
    file,
    find,
    replace,
    tests: GATE,
    red: new RegExp(`^${check}: `),
  };
}

export const GATE_MUTANTS = [
  withoutCheck('size', 'checkSize'),
  gate('framing', 'bytes left over', {
    file: 'entry.js',
    find: 'changeEnd + SIGNATURE_BYTES !== bytes.length',
    replace: 'changeEnd + SIGNATURE_BYTES > bytes.length',
  }),
  withoutCheck('header_size', 'checkHeaderSize'),
  gate('header_encoding', 'not canonical', {
    file: 'cbor.js',
    find: 'return equalBytes(encodeCbor(value), bytes) ? value : undefined',
    replace: 'return value',
  }),
  gate('header_encoding', 'no items', {
    file: 'entry.js',
    find: 'count < 1 || count > LIMITS.entryItems',
    replace: 'count > LIMITS.entryItems',
  }),
  gate('header_encoding', 'any number of heads', {
    file: 'entry.js',
    find: 'value.length > LIMITS.namedHeads',
    replace: 'false',
  }),
  withoutCheck('header_keys', 'checkHeaderKeys'),
  withoutCheck('scope', 'checkScope'),
  withoutCheck('right', 'checkRight'),
  withoutCheck('standing', 'checkStanding'),
  gate('content', 'statements anywhere', {
    file: 'statement.js',
    find: 'familyOf(statement) !== family',
    replace: 'false',
  }),
  gate('position', 'beyond a gap', {
    find: "case 'gap':\n            return { kind: 'gap'",
    replace: "case 'gap':\n            return undefined && { kind: 'gap'",
  }),
  gate('position', 'after a fork', {
    find: "case 'barred':\n            return {",
    replace: "case 'barred':\n            return undefined && {",
  }),
  gate('position', 'any number of pieces', {
    file: 'feed.js',
    find: 'starts && feed.ranges.length < LIMITS.rangesPerFeed',
    replace: 'starts',
  }),
  withoutCheck('chain', 'checkChain'),
  gate('chain', 'unsigned', {
    find: 'checkKey(candidate) ?? checkSignature(candidate) ?? { kind',
    replace: '{ kind',
  }),
  withoutCheck('segment', 'checkSegment'),
  gate('segment', 'any number of spans', {
    file: 'feed.js',
    find: 'segment.spans + entry.count <= LIMITS.segmentSpans &&',
    replace: '',
  }),
  gate('segment', 'any size', {
    file: 'feed.js',
    find: 'segment.bytes + entry.changeBytes <= LIMITS.segmentBytes &&',
    replace: '',
  }),
  gate('segment', 'any day', {
    file: 'feed.js',
    find: '&&\n        segment.day === dayOf(entry.stamp)',
    replace: '',
  }),
  withoutCheck('key', 'checkKey'),
  withoutCheck('signature', 'checkSignature'),
  withoutCheck('junction', 'checkJunction'),
  gate('change_shape', 'not compared', {
    file: 'change.js',
    find: 'return equalBytes(written.bytes, bytes) ? { ...change, hash: written.hash } : undefined',
    replace: 'return { ...change, hash: written.hash }',
  }),
  withoutCheck('change_place', 'checkChangePlace'),
  ...[
    'equalBytes(change.actor, concatBytes([header.origin, header.epoch]))',
    'change.seq === number',
    'change.startOp === number',
    'change.key === batchKey(header.origin, header.epoch, header.seq)',
    'change.replaces === undefined',
  ].map((find) => gate('change_place', `without ${/[.](\w+)/.exec(find)[1]}`, { find, replace: 'true' })),
  gate('change_place', 'without dependency', { find: 'placed && sameDep', replace: 'placed' }),
  gate('content', 'any bytes', {
    find: 'return opened.reason',
    replace: 'return (candidate.spans = []), undefined',
  }),
  gate('content', 'any inflated size', {
    file: 'batch.js',
    find: 'decompress(coded, LIMITS.batchBytes)',
    replace: 'decompress(coded, 1e9)',
  }),
  withoutCheck('content_count', 'checkContentCount'),
  withoutCheck('content_tenant', 'checkContentTenant'),
  {
    name: 'evidence: an unsigned contradiction counts as a fork',
    file: 'shell/evidence.js',
    find: 'if (isSigned)',
    replace: 'if (true)',
    tests: ['evidence', 'committer'],
    red: /(not signed by its origin, is a fault|what the origin did not sign is a fault)/,
  },
  {
    name: 'evidence: a repetition counts as a fork',
    file: 'shell/evidence.js',
    find: 'if (hash !== undefined && equalBytes(hash, held.hash))',
    replace: 'if (false)',
    tests: ['evidence'],
    red: /already is a repetition/,
  },
  {
    name: 'fork: it is not recorded',
    file: 'shell/draft.js',
    find: "this.records.push({ kind: 'fork', key: fork.key, seq: fork.seq, proof, withheld });",
    replace: '',
    tests: ['committer'],
    red: /^fork: /,
  },
  {
    name: 'fork: the feed goes on',
    file: 'shell/draft.js',
    find: 'this.#changed.set(fork.key, withFork(feed, fork.seq, withheld.clip));',
    replace: '',
    tests: ['committer'],
    red: /^fork: /,
  },
  {
    name: 'fork: the proof lacks the successor that contradicts',
    file: 'shell/draft.js',
    find: '[fork.seq, fork.seq + 1].find(',
    replace: '[fork.seq].find(',
    tests: ['committer'],
    red: /^fork: an entry that would close a gap/,
  },
  {
    name: 'commit: a job that comes as the last one ends waits for ever',
    file: 'shell/committer.js',
    find: 'this.#running = undefined;',
    replace: 'await Promise.resolve(); await Promise.resolve(); this.#running = undefined;',
    tests: ['committer'],
    red: /^(a caller that comes back|fork: |a fork of one feed|a frame is taken)/,
  },
  {
    name: 'stamp: a clock from far ahead moves ours',
    file: 'clock.js',
    find: 'if (seen.ms > nowMs + LIMITS.clockSkewMs)',
    replace: 'if (false)',
    tests: ['clock'],
    red: /^skew: /,
  },
];
