/** A running service: a node, the HTTP server in front of it, and what they do at intervals until they are closed. */

import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { LoglineError, type FederationNode } from '@logline/federation-core';
import { openLocalNode, type LocalNode } from '@logline/federation-core/node';
import { openActs } from './acts.js';
import { openAdmission } from './admission.js';
import { createApp } from './app.js';
import { expiryWarning } from './certificate-expiry.js';
import { hasCallers } from './config-access.js';
import { DEFAULT_CONFIG, type ServerConfig } from './config.js';
import { Cursors } from './cursors.js';
import { DiskWatch } from './disk-watch.js';
import { discoveryOptions, lookAround } from './discovery.js';
import { SERVER_LIMITS } from './limits.js';
import type { Log } from './log-events.js';
import { createLog, logEvent, logOptions, short } from './logging.js';
import { LoopDelay } from './loop-delay.js';
import { Metrics } from './metrics.js';
import { NodeView } from './node-metrics.js';
import { messageOf } from './problem.js';
import { Repeats } from './repeats.js';
import { Requests, stopListening } from './requests.js';
import { ROUTES } from './routes/table.js';
import type { Service } from './route.js';
import { Syncs } from './syncs.js';

/** What a server is started with: a data directory, and whatever differs from the defaults. */
export type ServerOptions = Partial<ServerConfig> & Pick<ServerConfig, 'dataDir'>;

export interface RunningServer {
  /** Where programs on this machine reach it, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly port: number;
  readonly node: FederationNode;
  /** Stops taking requests, finishes those under way, says goodbye to peers, and closes the store. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const FEDERATION_PATH = '/v1/federation';

/** Opens the node and listens. Rejects with a `LoglineError` that says what to do. */
export async function startServer(options: ServerOptions, log?: Log): Promise<RunningServer> {
  const config: ServerConfig = { ...DEFAULT_CONFIG, ...options };
  const ownLog = log ?? createLog(logOptions(config));
  const metrics = new Metrics();
  const { caFile, certFile, keyPassphraseFile } = config;
  const local = await openLocalNode({
    dataDir: config.dataDir,
    name: config.name,
    networkKey: config.networkKey,
    trustedPeers: config.trustedPeers,
    tenants: config.tenants,
    primaries: config.primaries,
    trust: config.trust,
    conflictPolicy: config.conflictPolicy,
    primaryNodes: config.primaryNodes,
    allowPrivatePeers: config.allowPrivatePeers,
    discovery: discoveryOptions(config),
    ...(caFile !== undefined && { caFile }),
    ...(certFile !== undefined && { certFile }),
    ...(keyPassphraseFile !== undefined && { keyPassphraseFile }),
    onEvent: (event) => {
      metrics.onEvent(event);
      logEvent(ownLog, event);
    },
  });
  try {
    return await listen(local, { config, metrics, log: ownLog });
  } catch (error) {
    await local.close();
    throw error;
  }
}

async function listen(
  local: LocalNode,
  parts: Pick<Service, 'config' | 'metrics' | 'log'>,
): Promise<RunningServer> {
  const { node, transport } = local;
  const { config, metrics, log } = parts;
  const closing = new AbortController();
  const syncs = new Syncs(node, metrics, closing.signal);
  const admission = await openAdmission(config, {
    onRefused: (reason) => {
      metrics.noteCallerRefused();
      log.debug({ event: 'caller_refused', reason: short(reason) });
    },
    onLimited: (address) =>
      log.warn({
        event: 'caller_limited',
        address,
        detail: 'it has shown too many wrong tokens, and no new one is looked at for the rest of its minute',
      }),
  });
  const disk = new DiskWatch(() => local.size());
  const loop = new LoopDelay();
  void disk.look();
  const service: Service = {
    ...parts,
    node,
    syncs,
    admission,
    acts: openActs(log, node),
    repeats: new Repeats(),
    disk,
    cursors: new Cursors(local.keyPair.secretKey),
    certificateEndsMs: local.credentials.ownNotAfterMs,
    closing: closing.signal,
  };
  metrics.watch({ view: new NodeView(node), disk, loop });
  if (service.certificateEndsMs !== undefined) metrics.watchCertificate(service.certificateEndsMs);
  const handle = createApp(service, ROUTES).callback();
  const requests = new Requests();
  const server = createServer(
    {
      headersTimeout: config.deadlines.headersMs,
      // Uploads may last for days; a connection that falls silent is ended by `timeout`.
      requestTimeout: 0,
      keepAliveTimeout: SERVER_LIMITS.keepAliveMs,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      requests.add(response);
      void handle(request, response);
    },
  );
  server.timeout = SERVER_LIMITS.idleMs;
  // Node would drop those beyond 2,000 without a word, and with them the second of a header that may come once. Their bytes are bounded.
  server.maxHeadersCount = 0;
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (pathOf(request) === FEDERATION_PATH && isWebSocket(request))
      transport.handleUpgrade(request, socket, head);
    else declineUpgrade(server, request, socket);
  });
  const port = await bind(server, config);
  // Such as no file handles left for a new connection: those that are open go on.
  server.on('error', (error) => log.error({ event: 'server_fault', err: error }));
  void node.discovery.announce(port).then(() => lookAround(node));
  const timers = [...startTimers(service), setInterval(() => loop.turn(), SERVER_LIMITS.loopWindowMs)];

  let closed: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closed ??= (async () => {
      for (const timer of timers) clearInterval(timer);
      closing.abort();
      loop.stop();
      await shutDown(server, requests, { close: () => local.close(), log });
    })());
  const url = `http://${hostForUrl(config.bindHost)}:${port}`;
  log.info({
    event: 'node_started',
    url,
    listening: `${config.bindHost}:${port}`,
    node_id: node.id,
    fingerprint: node.fingerprint,
    data_dir: config.dataDir,
    tenants: config.tenants,
    peers: node.peers().map((peer) => peer.address),
  });
  tellAccess(config, log);
  tellExpiry(service);
  return { url, port, node, close, [Symbol.asyncDispose]: close };
}

/** Says how the node knows its callers; an operator who forgot a secret should not find out from a stranger. */
function tellAccess({ access, localOperator }: ServerConfig, log: Log): void {
  if (!hasCallers(access)) {
    log.warn({
      event: 'no_callers_configured',
      detail: `${localOperator ? 'programs of this machine that run as this user or root may do everything' : 'nobody may change anything'}, private addresses may look at nodes, trust and sync status, others nothing: set FEDERATION_ADMIN_TOKEN, FEDERATION_SERVICE_TOKEN, FEDERATION_JWT_SECRET or FEDERATION_JWKS_URL to let callers in`,
    });
    return;
  }
  const { adminToken, serviceToken, jwtSecret, jwksUrl } = access;
  const kinds = { operator: adminToken, gateway: serviceToken, hs256: jwtSecret, key_set: jwksUrl };
  log.info({
    event: 'callers_configured',
    kinds: Object.entries(kinds).flatMap(([kind, secret]) => (secret === undefined ? [] : [kind])),
    requests_per_minute: access.requestsPerMinute ?? null,
  });
  if (serviceToken !== undefined && jwtSecret === undefined && jwksUrl === undefined) {
    log.warn({
      event: 'forwarded_tokens_unverified',
      detail:
        'tokens that the gateway forwards are only compared with its headers: set FEDERATION_JWT_SECRET or FEDERATION_JWKS_URL to have them verified here too',
    });
  }
}

/** Once at the start, and once a day. */
function tellExpiry({ certificateEndsMs, log }: Service): void {
  const detail = expiryWarning(certificateEndsMs, Date.now());
  if (detail !== undefined) log.warn({ event: 'certificate_expiring', detail });
}

function startTimers(service: Service): readonly NodeJS.Timeout[] {
  const { config, node, syncs, metrics, log, disk } = service;
  const sync = (): void => {
    if (node.peers().length === 0) return;
    syncs
      .run({}, config.syncIntervalMs)
      .catch((error: unknown) => log.warn({ event: 'sync_failed', reason: short(messageOf(error)) }));
  };
  const observe = (): void => {
    const peers = node.peers();
    metrics.noteLatencies(peers);
    void disk.look();
    metrics.noteRelationships(peers);
  };
  return [
    setInterval(sync, config.syncIntervalMs),
    setInterval(() => lookAround(node), config.discoveryIntervalMs),
    setInterval(observe, SERVER_LIMITS.latencyEveryMs),
    setInterval(() => tellExpiry(service), SERVER_LIMITS.expiryEveryMs),
  ];
}

function bind(server: Server, { bindHost, bindPort }: ServerConfig): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(bindError(error, `${bindHost}:${bindPort}`)),
    );
    server.listen({ host: bindHost, port: bindPort }, () => {
      server.removeAllListeners('error');
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function bindError(error: NodeJS.ErrnoException, where: string): LoglineError {
  const why: Readonly<Record<string, string>> = {
    EADDRINUSE: `cannot listen on ${where}: something listens there already. Stop it, or choose another port with FEDERATION_BIND_PORT (0 takes any free one)`,
    EACCES: `cannot listen on ${where}: the system does not allow it. Choose a port from 1024 with FEDERATION_BIND_PORT`,
    EADDRNOTAVAIL: `cannot listen on ${where}: this machine does not have that address. Correct FEDERATION_BIND_HOST`,
    ENOTFOUND: `cannot listen on ${where}: the name is not known. Correct FEDERATION_BIND_HOST`,
  };
  const message = why[error.code ?? ''] ?? `cannot listen on ${where}: ${error.message}`;
  return new LoglineError('bad_configuration', message, { cause: error });
}

/**
 * Ends in the order in which nobody loses anything: requests under way, then links and store, then what is left.
 * Links are connections of the server too, so waiting for it to be empty before they are closed would be for ever.
 */
async function shutDown(
  server: Server,
  requests: Requests,
  parts: Pick<LocalNode, 'close'> & Pick<Service, 'log'>,
): Promise<void> {
  const stopped = stopListening(server);
  if (!(await requests.ended(SERVER_LIMITS.finishMs))) {
    parts.log.warn({ event: 'requests_cut', detail: `some did not end within ${SERVER_LIMITS.finishMs} ms` });
  }
  await parts.close();
  server.closeAllConnections();
  await stopped;
}

/**
 * An offer to speak something else than WebSockets, such as `h2c` by many HTTP clients, may be ignored (RFC 9110 §7.8):
 * the request is answered as if it were not there. Its body is beyond the parser's reach then, so it must have none.
 */
function declineUpgrade(server: Server, request: IncomingMessage, socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length']) > 0;
  if (isWebSocket(request) || hasBody) {
    const [status, error, detail] = isWebSocket(request)
      ? ['404 Not Found', 'not_found', 'There is no WebSocket at this path.']
      : ['400 Bad Request', 'bad_request', 'Send a request with a body without the header Upgrade.'];
    const body = `${JSON.stringify({ type: 'about:blank', title: status.slice(4), status: Number(status.slice(0, 3)), detail, error })}\n`;
    const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
    socket.once('finish', () => socket.destroy());
    socket.end(head + body);
    return;
  }
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(request.socket);
  response.once('finish', () => {
    response.detachSocket(request.socket);
    socket.end();
  });
  server.emit('request', request, response);
}

function isWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket';
}

function pathOf(request: IncomingMessage): string {
  return request.url?.split('?')[0] ?? '';
}

/** Everything listens on loopback too, and a wildcard is no address to call. */
function hostForUrl(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
