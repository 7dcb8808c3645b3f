/** Every route of the description that takes JSON, and how it is asked; spans have their own tests. */

import { patch, post, uuid, type Answer } from './helpers.js';
import { routes } from './tenancy-places.js';

export interface JsonRoute {
  /** As in the description: `POST /v1/nodes/{id}/reset`. */
  readonly name: string;
  /** With the parameters filled in: the span of number 1, or something called acme. */
  readonly path: string;
  readonly send: (
    url: string,
    body: Parameters<typeof post>[1],
    headers?: Record<string, string>,
  ) => Promise<Answer>;
}

export const SPANS_PATH = '/v1/timeline/spans';

export const JSON_ROUTES: readonly JsonRoute[] = routes
  .filter((route) => route.hasBody && route.path !== SPANS_PATH)
  .map(({ method, path }) => ({
    name: `${method} ${path}`,
    path: path.startsWith(`${SPANS_PATH}/`)
      ? `${SPANS_PATH}/${uuid(1)}?tenant_id=acme`
      : `${path.replaceAll(/\{\w+\}/g, 'acme')}?tenant_id=acme`,
    send: method === 'PATCH' ? patch : post,
  }));
