// The OpenAPI document is made of the routes, and the routes answer as it says.
import test from 'ava';
import { ROUTES } from '../dist/index.js';
import * as schemas from '../dist/schemas.js';
import * as replicationSchemas from '../dist/schemas-replication.js';
import * as trustSchemas from '../dist/schemas-trust.js';
import { get, post, serve } from './helpers.js';

type Operation = { responses: Record<string, unknown>; parameters?: { name: string; in: string }[] };
type Document = {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties?: Record<string, unknown> }> };
};

const PROMISED = [
  'GET /health',
  'GET /livez',
  'GET /readyz',
  'GET /metrics',
  'GET /openapi.json',
  'GET /v1/federation',
  'GET /v1/nodes',
  'POST /v1/nodes/discover',
  'POST /v1/nodes/{id}/reset',
  'POST /v1/trust/establish',
  'POST /v1/trust/confirm',
  'POST /v1/trust/remove',
  'GET /v1/trust/relationships',
  'GET /v1/trust/graph',
  'POST /v1/trust/revoke',
  'POST /v1/trust/release',
  'GET /v1/trust/acts',
  'GET /v1/quarantine',
  'GET /v1/quarantine/proof',
  'POST /v1/quarantine/rule',
  'GET /v1/tenants',
  'GET /v1/tenants/{id}/access',
  'POST /v1/tenants/{id}/grant',
  'POST /v1/tenants/{id}/ungrant',
  'POST /v1/tenants/{id}/designate',
  'POST /v1/tenants/{id}/policy',
  'POST /v1/tenants/{id}/prioritise',
  'POST /v1/sync/timeline',
  'GET /v1/sync/jobs/{id}',
  'GET /v1/sync/status',
  'POST /v1/timeline/spans',
  'GET /v1/timeline/spans',
  'GET /v1/timeline/spans/{id}',
  'PATCH /v1/timeline/spans/{id}',
  'GET /v1/timeline/spans/{id}/explain',
  'GET /v1/conflicts',
  'GET /v1/conflicts/{id}',
  'POST /v1/conflicts/{id}/resolve',
  'GET /v1/timeline/stream',
];

test('every route is in the document, and the document has no other', async (t) => {
  const { url } = await serve(t);
  const document = (await get(`${url}/openapi.json`)).body as unknown as Document;
  t.is(document.openapi, '3.1.0');
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  t.deepEqual(described.toSorted(), PROMISED.toSorted());
  const routed = ROUTES.map((route) => `${route.method} ${route.path.replaceAll(/:(\w+)/g, '{$1}')}`);
  t.deepEqual(routed.toSorted(), PROMISED.toSorted());
});

test('every described route answers, and with a status that the document names', async (t) => {
  const { url } = await serve(t);
  const document = (await get(`${url}/openapi.json`)).body as unknown as Document;
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const target = url + path.replace('{id}', 'x');
      const isStream = path.endsWith('/stream');
      const answer = await fetch(target, { method: isStream ? 'HEAD' : method.toUpperCase() });
      await answer.arrayBuffer();
      const known = Object.keys(operation.responses);
      t.true(known.includes(String(answer.status)) || known.includes('default'), `${method} ${path}`);
      t.not(answer.status, 405, `${method} ${path}`);
    }
  }
});

test('one schema is one component, and every path parameter is described', async (t) => {
  const { url } = await serve(t);
  const document = (await get(`${url}/openapi.json`)).body as unknown as Document;
  const names = Object.keys(document.components.schemas);
  t.true(names.includes('Span'));
  t.deepEqual(
    names.filter((name) => /(Input|Output|\d)$/.test(name)),
    [],
  );
  for (const [path, methods] of Object.entries(document.paths)) {
    const wanted = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    for (const operation of Object.values(methods)) {
      const found = (operation.parameters ?? []).filter((one) => one.in === 'path').map((one) => one.name);
      t.deepEqual(found, wanted, path);
    }
  }
});

test('answers have the documented shapes', async (t) => {
  const { url } = await serve(t, { tenants: '*' });
  const shapes = [
    ['/health', schemas.health],
    ['/livez', schemas.probe],
    ['/readyz', schemas.probe],
    ['/v1/nodes', schemas.nodeList],
    ['/v1/trust/relationships', trustSchemas.relationshipList],
    ['/v1/trust/graph', trustSchemas.trustGraph],
    ['/v1/trust/acts', trustSchemas.actList],
    ['/v1/quarantine', trustSchemas.quarantineList],
    ['/v1/tenants', trustSchemas.tenantAccessList],
    ['/v1/tenants/acme/access', trustSchemas.tenantAccess],
    ['/v1/sync/status', replicationSchemas.syncStatus],
    ['/v1/timeline/spans?tenant_id=acme', schemas.spanPage],
    ['/v1/nope', schemas.problemBody],
  ] as const;
  for (const [path, schema] of shapes) {
    const { body } = await get(url + path);
    const result = schema.safeParse(body);
    t.true(result.success, `${path}: ${result.error?.message}`);
  }
  const discovered = await post(`${url}/v1/nodes/discover`, { discovery_method: 'manual' });
  t.deepEqual(discovered.body, { method: 'manual', nodes: [], errors: [] });
  const synced = await post(`${url}/v1/sync/timeline`, '');
  t.true(schemas.syncResult.safeParse(synced.body).success);
});
