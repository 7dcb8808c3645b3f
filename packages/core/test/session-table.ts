/** The table of session states: what each event does in each phase. PROTOCOL.md shows it, `session.test.ts` proves it. */

/** The columns: which side dialled matters until both have named their scopes, and for whose turn it is to compare. */
export const PHASES = [
  'greeting, dialled',
  'greeting, called',
  'open, dialled',
  'open, called',
  'closed',
] as const;

export type Phase = (typeof PHASES)[number];

type Cells = readonly [string, string, string, string, string];

const NOTHING = '–';
const STRANGER = '→ closed: send bye(fault), close(fault)';
const SECOND = STRANGER;
const FLOW = '→ closed: send bye(flow), close(flow)';

/** Effects in order; an arrow where the phase changes; a dash where nothing happens at all. */
export const TABLE = {
  start: ['send hello', NOTHING, 'send hello', NOTHING, NOTHING],
  'message hello': [
    '→ open: greeted, opened',
    '→ open: send hello, greeted, opened, send holdings',
    SECOND,
    SECOND,
    NOTHING,
  ],
  'message hello, under another network key': refusedWith('refused'),
  'message hello, signed by another key': refusedWith('refused'),
  'message hello, signed for another link': refusedWith('refused'),
  'message hello, of the same role as ours': refusedWith('refused'),
  'message hello, of another major version': refusedWith('version'),
  'message hello, under our own key': refusedWith('self'),
  'message hello, with rotations that lead elsewhere': refusedWith('fault'),
  'message hello, of a peer that does not trust us': [
    '→ closed: greeted, send bye(pending), close(pending)',
    '→ closed: send hello, greeted, send bye(pending), close(pending)',
    SECOND,
    SECOND,
    NOTHING,
  ],
  'message hello, of a peer that we do not trust': [
    '→ closed: greeted, send bye(pending), close(pending)',
    '→ closed: send hello, greeted, send bye(pending), close(pending)',
    SECOND,
    SECOND,
    NOTHING,
  ],
  'message hello, of a peer that we have revoked': refusedWith('revoked'),
  'message holdings, with scopes': [STRANGER, STRANGER, 'send holdings', 'plan', NOTHING],
  'message holdings, with scopes, again and too soon': [STRANGER, STRANGER, NOTHING, 'plan', NOTHING],
  'message holdings, with scopes of which some flow to the peer alone': [
    STRANGER,
    STRANGER,
    'send holdings, send holdings',
    'send holdings, plan',
    NOTHING,
  ],
  'message holdings, listed, waiting for ours': inOpen('learn, send holdings, plan'),
  'message holdings, listed': inOpen('learn, plan'),
  'message holdings, a digest that is ours too': inOpen('learn, send holdings, plan'),
  'message holdings, a digest that is not ours': inOpen('send holdings, plan'),
  'message want': inOpen('serve'),
  'message want, of more ranges than may wait': inOpen(FLOW),
  'message entries': inOpen('gate'),
  'message entries, beyond the credit': inOpen(FLOW),
  'message receipt': inOpen('receipt'),
  'message receipt, signed by another key': inOpen('→ closed: send bye(fault), close(fault)'),
  'message peers': inOpen('acquainted'),
  'message peers, again and too soon': inOpen(NOTHING),
  'message readings': inOpen('claimed'),
  'message readings, again and too soon': inOpen(NOTHING),
  'message ping': inOpen('send pong'),
  'message pong': inOpen(NOTHING),
  'message bye': inAll('→ closed: close(going_away)'),
  garbage: inAll('→ closed: send bye(fault), close(fault)'),
  'tick, soon': inAll(NOTHING),
  'tick, after a heartbeat of silence': [
    '→ closed: send bye(silent), close(silent)',
    '→ closed: send bye(silent), close(silent)',
    'send ping',
    'send ping',
    NOTHING,
  ],
  'tick, after the longest silence': inAll('→ closed: send bye(silent), close(silent)'),
  'tick, after an offer that came too soon': inOpenOnly('send holdings'),
  'published, what follows on what the peer has': inOpenOnly('send entries, pushed'),
  'published, anything else': inOpenOnly('send holdings'),
  gated: inOpenOnly('send receipt, plan'),
  'gated, with a fault': inOpenOnly('→ closed: send bye(fault), close(fault)'),
  'read, a part of what is owed': inOpenOnly('send entries, serve'),
  'read, the last of what is owed': inOpenOnly('send entries'),
  'read, nothing': inOpenOnly(NOTHING),
  'planned, ranges': inOpenOnly('send want'),
  'planned, nothing, with a quarter of the credit used': inOpenOnly('send want'),
  'planned, nothing': inOpenOnly(NOTHING),
  confirm: inOpenOnly('send receipt'),
  compare: inOpenOnly('send holdings'),
  rights: [NOTHING, NOTHING, 'send holdings, send holdings', 'send holdings', NOTHING],
  'rights, again and too soon': inOpenOnly('send holdings'),
  'rights, of which some scopes flow to the peer alone': [
    NOTHING,
    NOTHING,
    'send holdings, send holdings, send holdings',
    'send holdings, send holdings',
    NOTHING,
  ],
  acquaint: inOpenOnly('send peers'),
  'acquaint, a peer of an earlier version': inOpenOnly(NOTHING),
  claim: inOpenOnly('send readings'),
  'claim, a peer of an earlier version': inOpenOnly(NOTHING),
  stop: inAll('→ closed: send bye(going_away), close(going_away)'),
  lost: inAll('→ closed'),
} as const satisfies Readonly<Record<string, Cells>>;

export type Row = keyof typeof TABLE;

/** The table as PROTOCOL.md has it. */
export function renderTable(): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rows = Object.entries(TABLE).map(([name, cells]) => line([name, ...cells]));
  return [line(['event', ...PHASES]), line(['---', ...PHASES.map(() => '---')]), ...rows].join('\n');
}

/** A peer that is sent away at its hello, and is a fault when it comes later. */
function refusedWith(code: string): Cells {
  const away = `→ closed: send bye(${code}), close(${code})`;
  return [away, away, SECOND, SECOND, NOTHING];
}

/** A message that only an open session takes. */
function inOpen(cell: string): Cells {
  return [STRANGER, STRANGER, cell, cell, NOTHING];
}

/** An event from the shell that comes too late or too early elsewhere. */
function inOpenOnly(cell: string): Cells {
  return [NOTHING, NOTHING, cell, cell, NOTHING];
}

function inAll(cell: string): Cells {
  return [cell, cell, cell, cell, NOTHING];
}
