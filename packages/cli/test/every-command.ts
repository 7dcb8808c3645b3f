// One line for each command, to be run on a terminal and as a program runs it. A new command takes its place here.

/** What the commands are run against and on. */
export interface Stage {
  /** A peer that the node trusts, and one that it may stop trusting. */
  readonly peer: string;
  readonly stranger: string;
  readonly fingerprint: string;
  /** Files of this run. */
  readonly story: string;
  readonly folder: string;
  /** Of a node that is stopped. */
  readonly dataDir: string;
}

export interface Step {
  readonly argv: readonly string[];
  /** What the exit code has to be; 0 where it is left out. */
  readonly code?: number;
  /** What a person has to see of it. */
  readonly shows: string;
  /** Interrupts the command when this is seen: it would not end by itself. */
  readonly until?: string;
}

/** The first of the story. */
const SPAN = '00000000-0000-4000-8000-000000000000';

export function everyStep(stage: Stage): readonly Step[] {
  const { peer, stranger, fingerprint, story, folder, dataDir } = stage;
  const ca = `${folder}/ca`;
  const conflict = '00000000-0000-4000-8000-000000000001-00a1b2c3d4e5f607';
  const feed = 'timeline/acme/00a1b2c3d4e5f607';
  return [
    { argv: ['spans', 'import', story, '--tenant', 'acme'], shows: '50 spans' },
    {
      argv: ['spans', 'export', '--tenant', 'acme', '--output', `${folder}/out.ndjson.gz`],
      shows: '50 spans',
    },
    {
      argv: ['tail', '--tenant', 'acme', '--after', 'start'],
      code: 130,
      shows: 'order 49',
      until: 'order 49',
    },
    { argv: ['explain', SPAN, '--tenant', 'acme', '--peer', peer], shows: 'written by' },
    { argv: ['status'], shows: 'healthy' },
    { argv: ['nodes'], shows: peer },
    { argv: ['discover'], shows: peer },
    { argv: ['sync', '--since', '1 hour ago', '--peer', peer, '--tenant', 'acme'], shows: peer },
    { argv: ['doctor', '--data-dir', dataDir], code: 1, shows: 'connectivity' },
    { argv: ['watch', '--count', '2', '--interval', '0.1'], shows: 'TENANT' },
    { argv: ['trust', 'add', '--peer', stranger], shows: 'pending' },
    { argv: ['trust', 'confirm', stranger, fingerprint], shows: 'verified' },
    { argv: ['trust', 'remove', stranger], shows: 'off the list' },
    { argv: ['trust', 'list'], shows: peer },
    { argv: ['trust', 'graph'], shows: 'this node' },
    { argv: ['tenants', 'access', 'acme'], shows: 'acme' },
    { argv: ['tenants', 'grant', 'acme', peer], shows: 'acme' },
    { argv: ['tenants', 'ungrant', 'acme', peer], shows: 'acme' },
    { argv: ['tenants', 'policy', 'acme', 'status', 'manual'], shows: 'status: manual' },
    { argv: ['tenants', 'prioritise', 'acme', peer], shows: 'priority 1' },
    { argv: ['tenants', 'designate', 'acme', peer], shows: 'acme' },
    { argv: ['trust', 'revoke', peer, '--yes'], shows: 'It can come back' },
    { argv: ['trust', 'release', peer], shows: 'in quarantine' },
    { argv: ['conflicts', 'list', '--tenant', 'acme'], shows: 'not at odds' },
    { argv: ['conflicts', 'show', conflict, '--tenant', 'acme'], code: 1, shows: 'error: ' },
    {
      argv: ['conflicts', 'resolve', conflict, '--tenant', 'acme', '--value', 'ghost'],
      code: 1,
      shows: 'error: ',
    },
    { argv: ['quarantine', 'list'], shows: 'quarantine' },
    { argv: ['quarantine', 'proof', peer, feed], code: 1, shows: 'error: ' },
    { argv: ['quarantine', 'rule', feed, 'ab'.repeat(32)], code: 1, shows: 'error: ' },
    { argv: ['acts'], shows: 'trust' },
    { argv: ['cert', 'init-ca', '--out', ca, '--force'], shows: 'authority' },
    {
      argv: [
        'cert',
        'issue',
        '--ca',
        ca,
        '--name',
        'bob',
        '--data-dir',
        dataDir,
        '--out',
        `${folder}/bob.pem`,
        '--force',
      ],
      shows: 'logline-id://node/bob',
    },
    { argv: ['cert', 'show', `${folder}/bob.pem`], shows: 'valid until' },
    { argv: ['id', 'show', '--data-dir', dataDir], shows: 'fingerprint' },
    { argv: ['id', 'rotate', '--data-dir', dataDir], shows: 'earlier' },
    { argv: ['completions', 'bash'], shows: 'complete -F' },
  ];
}
