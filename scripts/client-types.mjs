// Writes the client's types from the OpenAPI document of a service that it starts for the purpose.
//
//   node scripts/client-types.mjs            write schema*.ts and routes*.ts in packages/client/src
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
/** Groups of paths that are written apart, each small enough to be read. */
const GROUPS = {
  sync: /^\/v1\/sync(?:\/|$)/,
  trust: /^\/v1\/(?:trust|quarantine|tenants)(?:\/|$)/,
  conflicts: /^\/v1\/conflicts(?:\/|$)/,
};
/** Kinds of bodies that `bodies.ts` names. */
const BODIES = ['JsonBody', 'Refusal'];
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
const orAbsent = (type) => (type === 'unknown' ? type : `${type} | undefined`);
const groupOf = (route) => Object.keys(GROUPS).find((group) => GROUPS[group].test(route));
const pathsOf = (group) => `${group[0].toUpperCase()}${group.slice(1)}Paths`;
const titleOf = (group) => (group === undefined ? '' : ` about ${group}`);
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
      : `${comment(schema.description)}readonly ${key(name)}?: ${orAbsent(typeOf(schema))};`,
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

/** A body by the name of its kind, where it comes as one type that has a name. */
function bodyOf(media) {
  const [[type, { schema }], ...others] = Object.entries(media);
  const text = typeOf(schema ?? true);
  if (others.length === 0 && type === 'application/json') return `JsonBody<${text}>`;
  if (others.length === 0 && type === 'application/problem+json' && text === 'Problem') return 'Refusal';
  return `{ content: ${content(media)} }`;
}

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
    return { status, type: media ? bodyOf(media) : '{ content: Record<never, never> }' };
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
    body ? `requestBody${body.required ? '' : '?'}: ${bodyOf(body.content)};` : '',
    `responses: ${responsesOf(document, operation.responses)};`,
  ];
  return `{ ${parts.filter(Boolean).join('\n')} }`;
}

const namesIn = (text, names) => names.filter((name) => new RegExp(`\\b${name}\\b`).test(text)).sort();
const importOf = (names, file) =>
  names.length === 0 ? '' : `import type { ${names.join(', ')} } from './${file}.js';`;

/** The files that hold the types of a document, before formatting: what is of a group of paths goes into files of its own. */
function filesOf(document) {
  const schemas = Object.entries(document.components?.schemas ?? {}).map(([name, schema]) => ({
    name,
    text: `${comment(schema.description)}export type ${name} = ${typeOf(schema)};\n`,
  }));
  const paths = Object.entries(document.paths).map(([route, item]) => {
    const operations = METHODS.filter((method) => item[method]).map(
      (method) =>
        `${comment(item[method].summary)}${method}: ${operationOf(document, item.parameters ?? [], item[method])};`,
    );
    return { group: groupOf(route), text: `${key(route)}: { ${operations.join('\n')} };` };
  });
  const isOf = (group) => (path) => path.group === group;
  const textOf = (parts) => parts.map(({ text }) => text).join('\n');
  // A schema is of a group if nothing else leads to it. The one that a refusal holds is named by its kind alone.
  const home = reachedBy(schemas, `${textOf(paths.filter(isOf(undefined)))} Problem`);
  const files = {};
  for (const group of [undefined, ...Object.keys(GROUPS)]) {
    const suffix = group === undefined ? '' : `-${group}`;
    const reached = reachedBy(schemas, textOf(paths.filter(isOf(group))));
    const own = schemas.filter(({ name }) =>
      group === undefined ? home.has(name) : reached.has(name) && !home.has(name),
    );
    const foreign = schemas.filter((schema) => !own.includes(schema)).map(({ name }) => name);
    const routes = textOf(paths.filter(isOf(group)));
    const others = group === undefined ? Object.keys(GROUPS) : [];
    files[`schema${suffix}.ts`] = [
      `/** What goes in and out of the service${titleOf(group)}, ${ORIGIN} */\n`,
      importOf(namesIn(textOf(own), foreign), 'schema'),
      `\n${textOf(own)}`,
    ]
      .filter(Boolean)
      .join('\n');
    files[`routes${suffix}.ts`] = [
      `/** The service's routes${titleOf(group)}, ${ORIGIN} */\n`,
      importOf(namesIn(routes, BODIES), 'bodies'),
      ...others.map((other) => importOf([pathsOf(other)], `routes-${other}`)),
      // Where no group reaches is home, so the service's other routes need nothing of a group.
      importOf(group === undefined ? [] : namesIn(routes, foreign), 'schema'),
      importOf(
        namesIn(
          routes,
          own.map(({ name }) => name),
        ),
        `schema${suffix}`,
      ),
      group === undefined
        ? `\nexport interface paths extends ${others.map(pathsOf).join(', ')} { ${routes} }\n`
        : `\nexport interface ${pathsOf(group)} { ${routes} }\n`,
    ]
      .filter(Boolean)
      .join('\n');
  }
  return files;
}

/** The names of the schemas that a text leads to. */
function reachedBy(schemas, text) {
  const reached = new Set();
  const waiting = [text];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const { name, text: body } of schemas) {
      if (reached.has(name) || !new RegExp(`\\b${name}\\b`).test(at)) continue;
      reached.add(name);
      waiting.push(body);
    }
  }
  return reached;
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
