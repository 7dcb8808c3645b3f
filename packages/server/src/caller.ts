/** Who asks: what a caller may do, and which tenants it may see. */

import type { TenantId } from '@logline/federation-core';
import { HttpProblem } from './problem.js';

export const ROLES = ['read', 'write', 'admin'] as const;
/** As scope words: `federation:read` and so on. `admin` includes the others; `write` does not include `read`. */
export type Role = (typeof ROLES)[number];

/** What a route asks of its callers. `none`: nothing. `network`: a private address, or a caller who may read. */
export type Need = 'none' | 'network' | Role;

/** What a route is about: one tenant's data, which it names, or the node as a whole. */
export type Reach = 'tenant' | 'node';

export interface Caller {
  /** `anyone` has shown nothing; `neighbour` and `local` have a private address and one of this machine, and count where no secret is configured. */
  readonly kind: 'anyone' | 'neighbour' | 'local' | 'operator' | 'gateway' | 'bearer';
  /** For logs and limits: a user's id, or an address. Others chose it. */
  readonly name: string;
  readonly roles: ReadonlySet<Role>;
  /** The one tenant that it may name, where it is bound to one. */
  readonly tenant: TenantId | undefined;
  /** When what it has shown ends to be valid; ms since 1970. */
  readonly expiresAtMs: number | undefined;
}

const SCOPE_PREFIX = 'federation:';

/** The roles among scope words; words of other services are passed over. */
export function rolesIn(scope: string): ReadonlySet<Role> {
  const words = new Set(scope.split(' '));
  return new Set(ROLES.filter((role) => words.has(SCOPE_PREFIX + role)));
}

export function hasRole(caller: Caller, role: Role): boolean {
  return caller.roles.has(role) || caller.roles.has('admin');
}

/** Whether a token or the gateway says who it is: one of many, of whom none may take what is there for all. */
export function isNamed({ kind }: Caller): boolean {
  return kind === 'bearer' || kind === 'gateway';
}

/** What allowances are counted by: the same user has one, whether it comes through the gateway or not. */
export function callerKey({ kind, name, tenant }: Caller): string {
  // `localhost` is IPv4 at one request and IPv6 at the next.
  return kind === 'operator' || kind === 'local' ? kind : JSON.stringify([tenant ?? null, name]);
}

/** Whether the caller may name any tenant, and see figures that are split by tenant. */
export function seesAllTenants(caller: Caller): boolean {
  return caller.tenant === undefined && caller.roles.has('admin');
}

/** Whether figures about all tenants together are shown: somebody bound to one could tell the others' from them. */
export function seesTotals(caller: Caller): boolean {
  return caller.tenant === undefined;
}

/**
 * Throws `forbidden` where a known caller may not use a route. Who is bound to a tenant never acts on the whole node:
 * whom the node trusts decides what becomes of all tenants' data.
 */
export function checkRights(caller: Caller, route: { readonly need: Need; readonly reach: Reach }): void {
  const { need, reach } = route;
  if (need === 'none') return;
  const role: Role = need === 'network' ? 'read' : need;
  if (!hasRole(caller, role)) {
    const had = [...caller.roles].map((one) => SCOPE_PREFIX + one).join(' ') || 'none of this service';
    throw new HttpProblem('forbidden', `this needs the scope ${SCOPE_PREFIX}${role}; the caller has ${had}`);
  }
  const isAboutAll = reach === 'node' && need !== 'read';
  if (isAboutAll && caller.tenant !== undefined) {
    throw new HttpProblem(
      'forbidden',
      'this is about the whole node, and the caller is bound to a tenant: use a token without a tenant',
    );
  }
  if (reach === 'tenant' && caller.tenant === undefined && !seesAllTenants(caller)) {
    throw new HttpProblem(
      'forbidden',
      `the caller is bound to no tenant and is not ${SCOPE_PREFIX}admin, so there is no timeline for it: use a token with a tenant`,
    );
  }
}

/** The one answer for all that a caller cannot see, so that nobody learns what exists elsewhere. */
export function nothingThere(): HttpProblem {
  return new HttpProblem(
    'not_found',
    'there is nothing by this name that the caller may see: check the tenant and the id',
  );
}
