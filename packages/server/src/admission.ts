/** Whether a request comes in: who sends it, whether that caller may, and how often it has. */

import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import { checkAddress, connectionOf, isLoopback, isPrivate, type Access } from './access.js';
import { checkRights, ROLES, type Caller, type Need, type Reach } from './caller.js';
import { hasCallers, type AccessConfig } from './config-access.js';
import { identify, unauthorized, type Shown } from './credentials.js';
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
}

export async function openAdmission(access: AccessConfig, hooks: AdmissionHooks): Promise<Admission> {
  if (!hasCallers(access)) return { admit: admitByAddress };
  const tokens = await openTokens(access);
  const rates = await openRates(access.requestsPerMinute);
  return { admit: (ctx, wanted) => admitKnown(ctx, wanted, { access, tokens, rates, hooks }) };
}

interface Parts {
  readonly access: AccessConfig;
  readonly tokens: Tokens | undefined;
  readonly rates: Rates;
  readonly hooks: AdmissionHooks;
}

async function admitKnown(ctx: Context, wanted: Wanted, parts: Parts): Promise<Caller> {
  const { access, tokens, rates, hooks } = parts;
  if (wanted.need === 'none') return ANYONE;
  const shown = shownIn(ctx);
  if (wanted.need === 'network' && isQuietNeighbour(ctx.req, shown)) return ANYONE;
  let caller: Caller;
  try {
    caller = await identify(shown, access, tokens);
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    hooks.onRefused(error.message);
    throw unauthorized();
  }
  await rates.count(caller);
  checkRights(caller, wanted);
  return caller;
}

/** Where no secret is configured, addresses decide: this machine may do all, the local network may look at the node. */
async function admitByAddress(ctx: Context, wanted: Wanted): Promise<Caller> {
  const connection = connectionOf(ctx.req);
  checkAddress(reachableFrom(wanted), connection);
  const isHere = isLoopback(connection.address);
  return {
    kind: isHere ? 'local' : 'neighbour',
    name: connection.address,
    roles: new Set(isHere ? ROLES : (['read'] as const)),
    tenant: undefined,
    expiresAtMs: undefined,
  };
}

export function reachableFrom({ need, reach }: Wanted): Access {
  if (need === 'none') return 'open';
  const isLookAtNode = need === 'network' || (need === 'read' && reach === 'node');
  return isLookAtNode ? 'private' : 'loopback';
}

/** A scraper of the own network. A request that shows something, or that a proxy passed on, is judged by that. */
function isQuietNeighbour(request: IncomingMessage, shown: Shown): boolean {
  const { address, forwarded } = connectionOf(request);
  return isPrivate(address) && !forwarded && Object.values(shown).every((value) => value === undefined);
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
