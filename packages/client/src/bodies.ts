/** Bodies of requests and answers, as the generated routes name them. */

import type { Problem } from './schema.js';

export interface JsonBody<T> {
  content: { 'application/json': T };
}

/** Any answer that is not 2xx. */
export interface Refusal {
  content: { 'application/problem+json': Problem };
}
