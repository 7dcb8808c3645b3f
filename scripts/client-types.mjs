// Writes the client's types from the OpenAPI document of a service that it starts for the purpose.
//
//   node scripts/client-types.mjs            write schema.ts and routes.ts in packages/client/src
//   node scripts/client-types.mjs --check    say whether the written files are current
//
// A generator of our own, since the usual one needs the programming interface that our compiler no longer has;
// it knows the part of JSON Schema that our document uses and refuses the rest.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './projects.mjs';

const FOLDER = 'packages/client/src';
const ORIGIN = 'written by scripts/client-types.mjs from its OpenAPI document: change that, not this.';
const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
const KNOWN = new Set(
  (
    '$ref type const enum anyOf oneOf allOf properties required additionalProperties items propertyNames ' +
    'description title examples example default format pattern minimum maximum exclusiveMinimum ' +
    'exclusiveMaximum minLength maxLength minItems maxItems contentMediaType contentEncoding ' +
    'deprecated readOnly writeOnly id'
  ).split(' '),
);

const key = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));
const union = (types) => [...new Set(types)].join(' | ');
const comment = (text) =>
  text ? `/** ${text.replaceAll('*/', '* /').replace(/\s+/g, ' ').trim()} */\n` : '';
const refName = (ref) => /^#\/components\/schemas\/(\w+)$/.exec(ref)?.[1];

function typeOf(schema) {
  if (schema === true) return 'unknown';
  const foreign = Object.keys(schema).filter((word) => !KNOWN.has(word) && !word.startsWith('x-'));
  if (foreign.length > 0) throw new Error(`the generator does not know ${foreign.join(', ')}: teach it`);
  if (schema.$ref) {
    const name = refName(schema.$ref);
    if (!name) throw new Error(`the generator cannot follow ${schema.$ref}: teach it`);
    return name;
  }
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return union(schema.enum.map((value) => JSON.stringify(value)));
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return union(choices.map(typeOf));
  if (schema.allOf) return schema.allOf.map((part) => `(${typeOf(part)})`).join(' & ');
  if (Array.isArray(schema.type)) return union(schema.type.map((type) => typeOf({ ...schema, type })));
  switch (schema.type) {
    case undefined:
      return schema.properties ? objectOf(schema) : 'unknown';
    case 'object':
      return objectOf(schema);
    case 'array':
      return `(${typeOf(schema.items ?? true)})[]`;
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'number':
    case 'integer':
      return 'number';
    default:
      throw new Error(`the generator does not know the type ${schema.type}: teach it`);
  }
}

function objectOf({ properties = {}, required = [], additionalProperties }) {
  const members = Object.entries(properties).map(([name, schema]) =>
    required.includes(name)
      ? `${comment(schema.description)}readonly ${key(name)}: ${typeOf(schema)};`
      : `${comment(schema.description)}readonly ${key(name)}?: ${typeOf(schema)} | undefined;`,
  );
  const others = additionalProperties ?? Object.keys(properties).length === 0;
  if (others === false && members.length === 0) return 'Record<never, never>';
  if (others !== false) {
    const type = Object.keys(properties).length > 0 ? 'unknown' : typeOf(others);
    members.push(`readonly [member: string]: ${type};`);
  }
  return `{ ${members.join('\n')} }`;
}

function resolve(document, part) {
  if (!part.$ref) return part;
  return part.$ref
    .slice(2)
    .split('/')
    .reduce((at, name) => at[name], document);
}

const content = (media) =>
  `{ ${Object.entries(media)
    .map(([type, { schema }]) => `${key(type)}: ${typeOf(schema ?? true)};`)
    .join(' ')} }`;

function parametersOf(document, lists) {
  const all = lists.flat().map((parameter) => resolve(document, parameter));
  const placed = ['query', 'header', 'path', 'cookie'].map((place) => {
    const here = all.filter((parameter) => parameter.in === place);
    if (here.length === 0) return '';
    const members = here.map(({ name, required, schema, description }) => {
      const type = `${typeOf(schema ?? true)}${required ? '' : ' | undefined'}`;
      return `${comment(description ?? schema?.description)}${key(name)}${required ? '' : '?'}: ${type};`;
    });
    return `${place}${here.some(({ required }) => required) ? '' : '?'}: { ${members.join('\n')} };`;
  });
  return placed.filter(Boolean).join('\n');
}

/** What answers hold, by status. Refusals that look alike, as they should, are said once. */
function responsesOf(document, responses) {
  const all = Object.entries(responses).map(([status, part]) => {
    const media = resolve(document, part).content;
    return { status, type: media ? `{ content: ${content(media)} }` : '{ content: Record<never, never> }' };
  });
  const isRefusal = ({ status }) => status === 'default' || /^[45]/.test(status);
  const refusals = [...new Set(all.filter(isRefusal).map(({ type }) => type))];
  const named = refusals.length > 1 ? all : all.filter((response) => !isRefusal(response));
  const members = named.map(({ status, type }) => `${/X/.test(status) ? key(status) : status}: ${type};`);
  if (refusals.length === 1) members.push(`default: ${refusals[0]};`);
  return `{ ${members.join('\n')} }`;
}

function operationOf(document, shared, operation) {
  const parameters = parametersOf(document, [shared, operation.parameters ?? []]);
  const body = operation.requestBody && resolve(document, operation.requestBody);
  const parts = [
    parameters.trim() === '' ? '' : `parameters: { ${parameters} };`,
    body ? `requestBody${body.required ? '' : '?'}: { content: ${content(body.content)} };` : '',
    `responses: ${responsesOf(document, operation.responses)};`,
  ];
  return `{ ${parts.filter(Boolean).join('\n')} }`;
}

/** The files that hold the types of a document, before formatting. */
function filesOf(document) {
  const named = Object.entries(document.components?.schemas ?? {});
  const schemas = named.map(
    ([name, schema]) => `${comment(schema.description)}export type ${name} = ${typeOf(schema)};\n`,
  );
  const paths = Object.entries(document.paths).map(([route, item]) => {
    const operations = METHODS.filter((method) => item[method]).map(
      (method) =>
        `${comment(item[method].summary)}${method}: ${operationOf(document, item.parameters ?? [], item[method])};`,
    );
    return `${key(route)}: { ${operations.join('\n')} };`;
  });
  const routes = `export interface paths { ${paths.join('\n')} }\n`;
  const used = named.map(([name]) => name).filter((name) => new RegExp(`\\b${name}\\b`).test(routes));
  return {
    'schema.ts': [`/** What goes in and out of the service, ${ORIGIN} */\n`, ...schemas].join('\n'),
    'routes.ts': [
      `/** The service's routes, ${ORIGIN} */\n`,
      `import type { ${used.sort().join(', ')} } from './schema.js';\n`,
      routes,
    ].join('\n'),
  };
}

function formatted(name, source) {
  const bin = join(root, 'node_modules/oxfmt/bin/oxfmt');
  const result = spawnSync(process.execPath, [bin, `--stdin-filepath=${FOLDER}/${name}`], {
    cwd: root,
    input: source,
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`the formatter refused ${name}: ${result.stderr}\n${source}`);
  return result.stdout;
}

async function documentOfService() {
  const { startServer } = await import('@logline/federation-server');
  const dataDir = mkdtempSync(join(tmpdir(), 'logline-types-'));
  const server = await startServer({ dataDir, bindHost: '127.0.0.1', bindPort: 0, logLevel: 'silent' });
  try {
    return await (await fetch(new URL('/openapi.json', server.url))).json();
  } finally {
    await server.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

for (const [name, source] of Object.entries(filesOf(await documentOfService()))) {
  const path = join(root, FOLDER, name);
  const wanted = formatted(name, source);
  if (!process.argv.includes('--check')) writeFileSync(path, wanted);
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== wanted) {
    console.error(`${FOLDER}/${name} is not what the service says: run node scripts/client-types.mjs`);
    process.exitCode = 1;
  }
}
