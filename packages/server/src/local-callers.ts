/** Whether a program of this machine is the operator's, where no secret is configured that could show it. */

import type { Socket } from 'node:net';
import { LoglineError } from '@logline/federation-core';
import { refusal } from './access.js';
import { openSocketOwners, type Ends, type SocketOwners } from './socket-owners.js';

export interface LocalCallers {
  /** Throws `forbidden` where nobody counts as the operator, or not the program at the other end of a loopback connection. */
  check(socket: Socket): Promise<void>;
}

const ROOT = 0;
const SET_ONE = 'set FEDERATION_ADMIN_TOKEN and show it';

export async function openLocalCallers({
  isOperator,
}: {
  readonly isOperator: boolean;
}): Promise<LocalCallers> {
  if (!isOperator) {
    return {
      check: () =>
        Promise.reject(
          refusal(
            `no caller is configured, and so nobody may do this: ${SET_ONE}, or set FEDERATION_LOCAL_OPERATOR=on to let programs of this machine do everything`,
          ),
        ),
    };
  }
  const owners = await openSocketOwners();
  const ownUser = process.geteuid?.();
  // Other systems than Linux do not say whose a connection is: there any program of the machine counts.
  if (owners === undefined || ownUser === undefined) return { check: () => Promise.resolve() };
  const found = new WeakMap<Socket, Promise<number | undefined>>();
  return {
    async check(socket) {
      const finding = found.get(socket) ?? findOwner(owners, socket);
      found.set(socket, finding);
      let user: number | undefined;
      try {
        user = await finding;
      } catch (error) {
        found.delete(socket);
        throw error;
      }
      checkUser(user, ownUser);
    },
  };
}

/** Throws `forbidden` for a user who is neither the node's own nor root. */
export function checkUser(user: number | undefined, ownUser: number): void {
  if (user === undefined)
    throw refusal(`the program that asked has closed its connection: keep it open until the answer has come`);
  if (user === ownUser || user === ROOT) return;
  throw refusal(
    `while no caller is configured this answers only to programs that run as the node's own user, ${ownUser}, or as root, and this one runs as user ${user}, as a proxy may: ${SET_ONE}, or ask as the node's user`,
  );
}

async function findOwner(owners: SocketOwners, ends: Ends): Promise<number | undefined> {
  try {
    return await owners.find(ends);
  } catch (error) {
    const detail = `whose this connection is cannot be found out now: try again in a moment, or ${SET_ONE}`;
    throw new LoglineError('overloaded', detail, { cause: error });
  }
}
