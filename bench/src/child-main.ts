/** A process of one system: it does what its parent says, and ends with it. */

import { commandsOf } from './commands.js';
import type { Role } from './driver.js';
import { driverOf } from './drivers/registry.js';
import type { Reply, Request } from './processes.js';
import type { System } from './samples.js';
import { TrafficMeter } from './traffic.js';

const [system, role, dir] = process.argv.slice(2) as [System, Role, string];
const traffic = new TrafficMeter();
traffic.start();
const commands = commandsOf(driverOf(system, { role, dir }, traffic), role, traffic);

async function answer({ id, name, wish }: Request): Promise<void> {
  let reply: Reply;
  try {
    const command = commands[name] as (wish: unknown) => Promise<unknown>;
    reply = { id, result: await command(wish) };
  } catch (error) {
    reply = { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.send?.(reply);
}

process.on('message', (request: Request) => void answer(request));
// Whatever the system still waits for: without its parent nobody wants it.
process.on('disconnect', () => {
  const end = (): void => void process.kill(process.pid, 'SIGKILL');
  commands.close().then(end, end);
});
process.send?.({ id: 0 } satisfies Reply);
