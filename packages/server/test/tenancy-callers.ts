// Who asks in the matrix of tenants, and what the other tenant has that must not come out.
import { claims, gateway, inSeconds, operator, SERVICE_TOKEN, tokenOf, user } from './callers.js';
import { spanOf, uuid, type Json } from './helpers.js';

/** As long as each other, so that not even lengths may differ. */
export const [THEIRS, NOBODYS] = ['globex', 'gl0bex'] as const;
/** A tenant that no request names: its name must not come out either. */
export const QUIET = 'quiet-canary-tenant';
export const CANARY = 'canary-7f3a';
export const FOREIGN_SPAN = uuid(0xca9a41);
export const MISSING_SPAN = uuid(0xca9a42);
export const CANARIES = [CANARY, FOREIGN_SPAN, QUIET];

/** A span of the other tenant: each of its members can be asked for. */
export const canarySpan = (n: number): Record<string, Json> => ({
  ...spanOf(n),
  id: n === 0 ? FOREIGN_SPAN : uuid(0xca9b00 + n),
  title: `title ${CANARY}`,
  logline_id: `logline-id://person/${CANARY}`,
  author: `author-${CANARY}`,
  contract_id: `contract-${CANARY}`,
  workflow_id: `workflow-${CANARY}`,
  flow_id: `flow-${CANARY}`,
  status: 'ghost',
  span_type: 'ghost',
  visibility: 'private',
  tags: [`tag-${CANARY}`],
  data: { deep: [CANARY] },
});

const READ = 'federation:read';
const BOTH = 'federation:read federation:write';

/** Whoever is not of the other tenant, bound to a tenant of its own where it is bound to one. */
export const STRANGERS: Readonly<Record<string, (own: string) => Record<string, string>>> = {
  'a user of a tenant of its own': (own) => user({ tenant: own }),
  'an admin of a tenant of its own': (own) => user({ tenant: own, scope: 'federation:admin' }),
  'a reader of a tenant of its own': (own) => user({ tenant: own, scope: READ }),
  'a writer of a tenant of its own': (own) => user({ tenant: own, scope: 'federation:write' }),
  'a user of a tenant of its own, by way of the gateway': (own) => gateway(own, BOTH),
  'a user of a tenant of its own whose token the gateway forwards': (own) =>
    gateway(own, BOTH, user({ tenant: own })),
  'a user of no tenant': () => user(),
  'a user of no tenant, by way of the gateway': () => gateway(undefined, BOTH, user()),
  'a user of one with the headers of an admin of the other': (own) => ({
    ...gateway(THEIRS, 'federation:admin'),
    'x-service-token': `${SERVICE_TOKEN}x`,
    ...user({ tenant: own }),
  }),
  'a user of the other whose token has expired': () => user({ tenant: THEIRS, exp: inSeconds(-60) }),
  'a user of the other with a forged token': () => ({
    authorization: `Bearer ${tokenOf(claims({ tenant: THEIRS }), undefined, () => Buffer.alloc(32, 1))}`,
  }),
  nobody: () => ({}),
};

export const RIGHTFUL: Readonly<Record<string, () => Record<string, string>>> = {
  'a user of the other tenant': () => user({ tenant: THEIRS }),
  'a user of the other tenant, by way of the gateway': () => gateway(THEIRS, BOTH, user({ tenant: THEIRS })),
  'the operator': () => operator,
  'an admin of no tenant': () => user({ scope: 'federation:admin' }),
};

/** The least that a route takes; a route that takes more has to be added here. */
export const BODIES: Readonly<Record<string, Record<string, Json>>> = {
  'POST /v1/nodes/discover': { discovery_method: 'manual' },
  'POST /v1/nodes/{id}/reset': {},
  'POST /v1/trust/establish': { peer_address: 'nonsense' },
  'POST /v1/trust/confirm': { peer: 'nobody', fingerprint: 'none' },
  'POST /v1/trust/remove': { peer: 'nobody' },
  'POST /v1/trust/revoke': { peer_id: 'nobody' },
  'POST /v1/trust/release': { peer_id: 'nobody' },
  'POST /v1/quarantine/rule': { feed: 'trust/0011223344556677', hash: '00'.repeat(32) },
  'POST /v1/tenants/{id}/grant': { peer_id: 'nobody', read: true, write: true },
  'POST /v1/tenants/{id}/ungrant': { peer_id: 'nobody' },
  'POST /v1/tenants/{id}/designate': { peer_id: 'nobody' },
  'POST /v1/tenants/{id}/policy': { field: 'nonsense', policy: 'manual' },
  'POST /v1/tenants/{id}/prioritise': { peer_ids: ['nobody'] },
  'POST /v1/sync/timeline': {},
  'PATCH /v1/timeline/spans/{id}': { processed: true, notes: 'probe' },
  'POST /v1/conflicts/{id}/resolve': { value: 'ghost' },
  'POST /v1/timeline/spans': { logline_id: 'logline-id://person/mallory', title: 'probe' },
};
