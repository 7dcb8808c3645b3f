/** The typed routes, as parts of the client call them. */

import type { Client } from 'openapi-fetch';
import type { paths } from './routes.js';
import type { SendOptions } from './transport.js';

/** Gives the routes for one call, under its own signal and deadline. */
export type Api = (options: SendOptions) => Client<paths>;

/** The body of an answer; refusals were thrown before. */
export function answered<T>(result: { readonly data?: T | undefined; readonly response: Response }): T {
  if (result.data === undefined) throw new TypeError(`${result.response.url} answered without a body`);
  return result.data;
}

/** What came as JSON, of a route that can answer in other formats too. */
export function parsed<T extends object>(answer: T | string): T {
  if (typeof answer === 'string') throw new TypeError('expected JSON, got text');
  return answer;
}
