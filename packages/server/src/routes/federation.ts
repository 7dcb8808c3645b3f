/** What a plain request to the federation's own path is told: its protocol is a WebSocket's. */

import { problems } from '../operations.js';
import { HttpProblem } from '../problem.js';
import type { Route } from '../route.js';

const SUBPROTOCOL = 'logline-federation.v1';

export const federationRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/federation',
    need: 'none',
    reach: 'node',
    operation: {
      summary: 'The link between nodes',
      description: `A WebSocket with the subprotocol ${SUBPROTOCOL}, encrypted and authenticated by itself.`,
      responses: { 101: { description: 'A link begins' }, ...problems },
    },
    handle() {
      throw new HttpProblem(
        'upgrade_required',
        `this is a federation link: open a WebSocket with the subprotocol ${SUBPROTOCOL}`,
        { headers: { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Protocol': SUBPROTOCOL } },
      );
    },
  },
];
