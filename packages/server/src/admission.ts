/** Whether a request comes in: who sends it, whether that caller may, and how often it has. */

import type { IncomingMessage } from 'node:http';
import { LoglineError } from '@logline/federation-core';
import type { Context } from 'koa';
import { checkConnection, connectionOf, isOfNetwork, type Access } from './access.js';
import { isLoopback } from './addresses.js';
import { checkRights, ROLES, type Caller, type Need, type Reach } from './caller.js';
import { hasCallers, type AccessConfig } from './config-access.js';
import { identify, unauthorized, type Shown } from './credentials.js';
import { FailedLogins } from './failed-logins.js';
import { openLocalCallers, type LocalCallers } from './local-callers.js';
import { HttpProblem } from './problem.js';
import { openRates, type Rates } from './rates.js';
import { headerOf } from './request.js';
import { openTokens, TokenRefused, type Tokens } from './tokens.js';

/** What a route asks for. */
export interface Wanted {
  readonly need: Need;
  readonly reach: Reach;
}

export interface Admission {
  /** The caller of a request for a route. Throws `unauthorized`, `forbidden`, `rate_limited`, `bad_request`. */
  admit(ctx: Context, wanted: Wanted): Promise<Caller>;
}

const ANYONE: Caller = {
  kind: 'anyone',
  name: '',
  roles: new Set(),
  tenant: undefined,
  expiresAtMs: undefined,
};

export interface AdmissionHooks {
  /** Why a request showed nothing that counts. */
  readonly onRefused: (reason: string) => void;
  /** An address has failed so often that it is not listened to for a while. */
  readonly onLimited: (address: string) => void;
}

/** `localOperator`: whether programs of this machine may do everything while no secret is configured. */
export async function openAdmission(
  { access, localOperator }: { readonly access: AccessConfig; readonly localOperator: boolean },
  hooks: AdmissionHooks,
): Promise<Admission> {
  if (!hasCallers(access)) {
    const locals = await openLocalCallers({ isOperator: localOperator });
    return { admit: (ctx, wanted) => admitByConnection(ctx, wanted, locals) };
  }
  const tokens = await openTokens(access);
  const rates = await openRates(access.requestsPerMinute);
  const logins = new FailedLogins(access.failedLoginsPerMinute);
  return { admit: (ctx, wanted) => admitKnown(ctx, wanted, { access, tokens, rates, logins, hooks }) };
}

interface Parts {
  readonly access: AccessConfig;
  readonly tokens: Tokens | undefined;
  readonly rates: Rates;
  readonly logins: FailedLogins;
  readonly hooks: AdmissionHooks;
}

async function admitKnown(ctx: Context, wanted: Wanted, parts: Parts): Promise<Caller> {
  if (wanted.need === 'none') return ANYONE;
  const shown = shownIn(ctx);
  if (wanted.need === 'network' && isQuietNeighbour(ctx.req, shown)) return ANYONE;
  const caller = await identifyOnce(shown, ctx.req.socket.remoteAddress ?? '', parts);
  await parts.rates.count(caller);
  checkRights(caller, wanted);
  return caller;
}

/**
 * As `identify`, but where an address has failed too often, a fixed token that was not right before is not compared any
 * more. Signatures cannot be guessed: other users behind that address go on. Who shows nothing guesses nothing.
 */
async function identifyOnce(shown: Shown, address: string, parts: Parts): Promise<Caller> {
  const { access, tokens, logins, hooks } = parts;
  const isGateway = access.serviceToken !== undefined && shown.serviceToken !== undefined;
  const credential = isGateway ? shown.serviceToken : shown.authorization;
  const limit = credential === undefined ? undefined : logins.limitFor(address, credential);
  if (limit !== undefined && isGateway) throw limit;
  const comparable = limit === undefined ? access : { ...access, adminToken: undefined };
  try {
    const caller = await identify(shown, comparable, tokens);
    if (credential !== undefined) logins.succeeded(credential);
    return caller;
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    hooks.onRefused(error.message);
    if (credential !== undefined && logins.failed(address)) hooks.onLimited(address);
    throw limit ?? unauthorized();
  }
}

/** Where no secret is configured: the node's own user on this machine may do all, the local network may look at the node. */
async function admitByConnection(ctx: Context, wanted: Wanted, locals: LocalCallers): Promise<Caller> {
  const connection = connectionOf(ctx.req);
  const access = reachableFrom(wanted);
  checkConnection(access, connection);
  const isHere = isLoopback(connection.address);
  if (access === 'loopback') await locals.check(ctx.req.socket);
  // A proxy of this machine may pass on who looks at the node: it is shown what a neighbour is.
  const isOperator =
    access === 'loopback' || (access === 'private' && isHere && (await isOperatorHere(ctx, locals)));
  return {
    kind: isHere ? 'local' : 'neighbour',
    name: connection.address,
    roles: new Set(isOperator ? ROLES : (['read'] as const)),
    tenant: undefined,
    expiresAtMs: undefined,
  };
}

async function isOperatorHere(ctx: Context, locals: LocalCallers): Promise<boolean> {
  try {
    checkConnection('loopback', connectionOf(ctx.req));
    await locals.check(ctx.req.socket);
    return true;
  } catch (error) {
    if (error instanceof HttpProblem || error instanceof LoglineError) return false;
    throw error;
  }
}

export function reachableFrom({ need, reach }: Wanted): Access {
  if (need === 'none') return 'open';
  const isLookAtNode = need === 'network' || (need === 'read' && reach === 'node');
  return isLookAtNode ? 'private' : 'loopback';
}

/** A scraper of the own network. A request that shows something, or that a proxy passed on, is judged by that. */
function isQuietNeighbour(request: IncomingMessage, shown: Shown): boolean {
  return isOfNetwork(connectionOf(request)) && Object.values(shown).every((value) => value === undefined);
}

function shownIn(ctx: Context): Shown {
  return {
    authorization: headerOf(ctx, 'authorization'),
    serviceToken: headerOf(ctx, 'x-service-token'),
    tenant: headerOf(ctx, 'x-tenant-id'),
    userId: headerOf(ctx, 'x-user-id'),
    userRoles: headerOf(ctx, 'x-user-roles'),
  };
}
