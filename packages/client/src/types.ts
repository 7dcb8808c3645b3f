/** What callers hand in where the service's document says less than the language can. */

import type { paths } from './routes.js';

/** A span to append. Id and timestamp are filled in where they are absent; members that nobody knows are kept. */
export interface NewSpan {
  readonly logline_id: string;
  readonly title: string;
  readonly id?: string | undefined;
  readonly timestamp?: string | undefined;
  readonly tenant_id?: string | undefined;
  readonly [member: string]: unknown;
}

/** Which spans of a timeline; `since` and `until` take RFC 3339 or words such as `1 hour ago`. */
export type SpanQuery = NonNullable<paths['/v1/timeline/spans']['get']['parameters']['query']>;
