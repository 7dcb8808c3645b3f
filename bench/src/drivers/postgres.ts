/** PostgreSQL with logical replication: two clusters on loopback, one table for each writer. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from '../dependency.js';
import { sleep, type Driver, type DriverOptions, type Role } from '../driver.js';
import { CountingProxy } from './counting-proxy.js';
import { PostgresCluster } from './postgres-cluster.js';

interface Client {
  connect(): Promise<void>;
  query(query: string | object): Promise<{ readonly rows: readonly { readonly n: string }[] }>;
  on(event: 'notification', listener: (message: { readonly payload: string }) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  end(): Promise<void>;
}

interface Pg {
  readonly Client: new (options: object) => Client;
  readonly Pool: new (options: object) => Client;
}

/** As many connections as there are callers at once in any workload. */
const CONNECTIONS_MAX = 64;
const WAIT_MS = 20;
const WAITS_MAX = 100;

export function openPostgres({ role, dir }: DriverOptions): Driver {
  const mine = tableOf(role);
  const theirs = tableOf(role === 'A' ? 'B' : 'A');
  const proxy = new CountingProxy();
  const cluster = new PostgresCluster(dir);
  let pool: Client;
  let admin: Client;
  let listener: Client | undefined;
  let peerPort = 0;
  let isSubscribed = false;

  async function subscribe(): Promise<void> {
    const port = await proxy.open(peerPort);
    if (isSubscribed) return void (await admin.query(`alter subscription s_${mine} enable`));
    const where = `host=127.0.0.1 port=${port} user=postgres dbname=postgres`;
    await admin.query(`create subscription s_${mine} connection '${where}' publication p_${theirs}`);
    isSubscribed = true;
  }

  async function prepare(): Promise<void> {
    for (const table of ['a', 'b'])
      await admin.query(
        `create table spans_${table}(seq bigserial, id text primary key, doc jsonb not null)`,
      );
    await admin.query(`create publication p_${mine} for table spans_${mine}`);
    await admin.query(
      `create function told() returns trigger language plpgsql as $$ begin perform pg_notify('span', new.id); return null; end $$`,
    );
    await admin.query(
      `create trigger told after insert on spans_${theirs} for each row execute function told()`,
    );
    await admin.query(`alter table spans_${theirs} disable trigger told`);
  }

  return {
    fillBatch: 1000,
    pollMs: 10,
    async open() {
      const { Client, Pool } = await load<Pg>('pg');
      const isNew = await cluster.start();
      const where = { host: '127.0.0.1', port: cluster.port, user: 'postgres', database: 'postgres' };
      pool = new Pool({ ...where, max: CONNECTIONS_MAX });
      admin = new Client(where);
      listener = new Client(where);
      for (const client of [pool, admin, listener]) client.on('error', () => {});
      await admin.connect();
      if (isNew) await prepare();
    },
    async append(spans) {
      const [only] = spans;
      const isOne = spans.length === 1 && only !== undefined;
      await pool.query(
        isOne
          ? {
              name: 'one',
              text: `insert into spans_${mine}(id,doc) values($1,$2)`,
              values: [only.id, JSON.stringify(only)],
            }
          : {
              name: 'many',
              text: `insert into spans_${mine}(id,doc) select * from unnest($1::text[],$2::jsonb[])`,
              values: [spans.map(({ id }) => id), spans.map((span) => JSON.stringify(span))],
            },
      );
    },
    async count() {
      const all = 'select (select count(*) from spans_a)+(select count(*) from spans_b) n';
      return Number((await admin.query(all)).rows[0]?.n);
    },
    identity: () => String(cluster.port),
    async meet(identity) {
      peerPort = Number(identity);
    },
    async listen() {
      // After a cut the one that takes connections has a subscription of its own to take up again.
      if (isSubscribed) await subscribe();
      return String(cluster.port);
    },
    connect: subscribe,
    joinBack: subscribe,
    async disconnect() {
      if (!isSubscribed) return;
      await admin.query(`alter subscription s_${mine} disable`);
      for (let waits = 0; waits < WAITS_MAX && proxy.isBusy; waits++) await sleep(WAIT_MS);
      proxy.cut();
    },
    async onSpan(seen) {
      await admin.query(`alter table spans_${theirs} enable always trigger told`);
      await listener?.connect();
      listener?.on('notification', ({ payload }) => seen(payload));
      await listener?.query('listen span');
    },
    traffic: () => proxy.traffic,
    pids: () => pidsOf(cluster.dataDir),
    async close() {
      await Promise.all([pool.end(), admin.end(), listener?.end()]).catch(() => {});
      cluster.stop();
    },
  };
}

function tableOf(role: Role): 'a' | 'b' {
  return role === 'A' ? 'a' : 'b';
}

/** The server's first process and its children. */
function pidsOf(dataDir: string): readonly number[] {
  const first = Number(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
  const children = readFileSync(`/proc/${first}/task/${first}/children`, 'utf8').trim().split(' ');
  return [first, ...children.filter((pid) => pid !== '').map(Number)];
}
