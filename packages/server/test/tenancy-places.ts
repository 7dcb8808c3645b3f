// Every place of the interface where a tenant, or something of a tenant, can be named: taken from its description.
import { describeRoutes, ROUTES } from '../dist/index.js';

/**
 * `tenant`: its name. `span`, `conflict` and `job`: an id of something that belongs to one. `page` and `arrival`: a cursor into its
 * timeline. `feed`: a feed of it. `filter`: a value that only its spans have. `plain`: nothing of a tenant.
 */
export type Kind = 'tenant' | 'span' | 'conflict' | 'job' | 'page' | 'arrival' | 'feed' | 'filter' | 'plain';

export interface Place {
  readonly where: 'query' | 'header' | 'path' | 'body';
  readonly name: string;
  readonly kind: Kind;
}

export interface RoutePlaces {
  readonly method: string;
  /** With parameters as `{id}`. */
  readonly path: string;
  /** Whether it takes JSON. */
  readonly hasBody: boolean;
  readonly places: readonly Place[];
}

const named = (where: string, names: string, kind: Kind): Record<string, Kind> =>
  Object.fromEntries(names.split(' ').map((name) => [`${where}:${name}`, kind]));

/** What is known of each place; a path's parameters are known by their route. */
const KINDS: Readonly<Record<string, Kind>> = {
  ...named('query', 'tenant_id', 'tenant'),
  ...named('query', 'cursor', 'page'),
  ...named('query', 'after', 'arrival'),
  ...named(
    'query',
    'logline_id contract_id workflow_id flow_id author status span_type visibility tag',
    'filter',
  ),
  ...named('query', 'feed', 'feed'),
  ...named('query', 'span_id', 'span'),
  ...named('query', 'since until limit from peer_id format before raw history state field', 'plain'),
  ...named('header', 'X-Tenant-ID', 'tenant'),
  ...named('header', 'Last-Event-ID', 'arrival'),
  ...named('header', 'Idempotency-Key If-Match', 'plain'),
  'GET /v1/timeline/spans/{id} path:id': 'span',
  'GET /v1/timeline/spans/{id}/explain path:id': 'span',
  'PATCH /v1/timeline/spans/{id} path:id': 'span',
  'GET /v1/conflicts/{id} path:id': 'conflict',
  'POST /v1/conflicts/{id}/resolve path:id': 'conflict',
  'GET /v1/sync/jobs/{id} path:id': 'job',
  'POST /v1/nodes/{id}/reset path:id': 'plain',
  'GET /v1/tenants/{id}/access path:id': 'tenant',
  'POST /v1/tenants/{id}/grant path:id': 'tenant',
  'POST /v1/tenants/{id}/ungrant path:id': 'tenant',
  'POST /v1/tenants/{id}/designate path:id': 'tenant',
  'POST /v1/tenants/{id}/policy path:id': 'tenant',
  'POST /v1/tenants/{id}/prioritise path:id': 'tenant',
  ...named('body', 'tenant_id tenant_filter', 'tenant'),
  ...named('body', 'id', 'span'),
  ...named('body', 'feed', 'feed'),
  ...named('body', 'readmit peer from reason dry_run to hash read write', 'plain'),
  ...named('body', 'timestamp logline_id title author contract_id workflow_id flow_id', 'plain'),
  ...named('body', 'status span_type visibility tags', 'plain'),
  ...named(
    'body',
    'processed verification_status metadata notes conflicted choose value note field policy',
    'plain',
  ),
  ...named('body', 'network_key discovery_method', 'plain'),
  ...named('body', 'peer_id peer_address fingerprint verification_method peer_ids since', 'plain'),
};

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: Place['where'] }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** Places that nobody has thought about yet: those of new routes. */
export const unclassified: string[] = [];

export const routes: readonly RoutePlaces[] = routesOf(describeRoutes(ROUTES) as unknown as Document);

function routesOf({ paths, components }: Document): readonly RoutePlaces[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([verb, operation]) => {
      const method = verb.toUpperCase();
      const body = operation.requestBody?.content['application/json']?.schema;
      const names = new Set(body === undefined ? [] : membersOf(body, components.schemas));
      const found = [
        ...(operation.parameters ?? []).map((one) => ({ where: one.in, name: one.name })),
        ...[...names].map((name) => ({ where: 'body' as const, name })),
      ];
      const places = found.map(({ where, name }) => {
        const place = where === 'path' ? `${method} ${path} path:${name}` : `${where}:${name}`;
        const kind = KINDS[place];
        if (kind === undefined) unclassified.push(`${method} ${path} ${where}:${name}`);
        return { where, name, kind: kind ?? 'plain' };
      });
      return { method, path, hasBody: body !== undefined, places };
    }),
  );
}

/** The names of members at any depth of a schema. */
function membersOf(
  schema: Schema,
  schemas: Readonly<Record<string, Schema>>,
  seen: ReadonlySet<string> = new Set(),
): readonly string[] {
  const name = schema.$ref?.split('/').at(-1);
  if (name !== undefined) {
    const target = schemas[name];
    return target === undefined || seen.has(name) ? [] : membersOf(target, schemas, new Set([...seen, name]));
  }
  const inside = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.items ? [schema.items] : [])];
  const members = Object.entries(schema.properties ?? {});
  return [
    ...members.map(([member]) => member),
    ...[...inside, ...members.map(([, one]) => one)].flatMap((one) => membersOf(one, schemas, seen)),
  ];
}
