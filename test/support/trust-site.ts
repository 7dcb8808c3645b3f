/** A node through all its processes: one data directory, one key, and what its operator does there. */

import { eventually } from '@logline/federation-core/testing';
import { LoglineFederationClient, type Relationship } from 'logline-federation-client';
import {
  ServerProcess,
  tempDir,
  type Lifetime,
  type LogLine,
  type ServerSettings,
} from './server-process.js';
import { logline } from './trust-cli.js';

/** Who starts it settles what it shares; the directory is its own. */
export type SiteSettings = Omit<ServerSettings, 'dataDir'>;

export interface DatedSpan {
  readonly id: string;
  readonly timestamp: string;
  readonly logline_id: string;
  readonly title: string;
}

const LONG = { timeoutMs: 20_000 };

export class Site {
  readonly name: string;
  readonly dataDir: string;
  readonly #t: Lifetime;
  readonly #settings: SiteSettings;
  readonly #lives: ServerProcess[] = [];

  private constructor(t: Lifetime, settings: SiteSettings, dataDir: string) {
    this.#t = t;
    this.#settings = settings;
    this.name = settings.name;
    this.dataDir = dataDir;
  }

  static async open(t: Lifetime, settings: SiteSettings): Promise<Site> {
    const site = new Site(t, settings, await tempDir(t));
    await site.start();
    return site;
  }

  async start(): Promise<void> {
    this.#lives.push(await ServerProcess.start(this.#t, { ...this.#settings, dataDir: this.dataDir }));
  }

  /** kill -9 and another start on the same directory. */
  async crash(): Promise<void> {
    await this.#now.kill();
    await this.start();
  }

  get url(): string {
    return this.#now.url;
  }

  get fingerprint(): string {
    return this.#now.fingerprint;
  }

  get client(): LoglineFederationClient {
    return new LoglineFederationClient({ baseUrl: this.url });
  }

  /** Lines of the log of the process that runs now. */
  get lines(): readonly LogLine[] {
    return this.#now.lines;
  }

  told(event: string): readonly LogLine[] {
    return this.#now.told(event);
  }

  async write(tenant: string, ...spans: readonly DatedSpan[]): Promise<void> {
    for (const span of spans) {
      const { accepted } = await this.client.append({ ...span }, { tenant });
      if (accepted !== 1) throw new Error(`${span.title} was not accepted at ${this.name}`);
    }
  }

  /** Ids of a tenant's spans in reading order. */
  async shows(tenant: string): Promise<readonly string[]> {
    const ids: string[] = [];
    for await (const { id } of this.client.spans({ tenant_id: tenant })) ids.push(id ?? '');
    return ids;
  }

  /** Waits until a tenant shows exactly these, in this order. */
  async comesToShow(tenant: string, spans: readonly DatedSpan[]): Promise<void> {
    const expected = spans.map(({ id }) => id).join();
    await eventually(
      `${this.name} shows ${spans.map(({ title }) => title).join(', ')}`,
      async () => {
        const shown = (await this.shows(tenant)).join();
        if (shown !== expected) throw new Error(`it shows ${shown}`);
        return true;
      },
      LONG,
    );
  }

  /** Everything of a tenant as the command line tool writes it to a file. */
  async exported(tenant: string): Promise<string> {
    const { code, out, err } = await logline(this, ['federation', 'spans', 'export', '--tenant', tenant]);
    if (code !== 0) throw new Error(`the export at ${this.name} ended with ${code}: ${err}`);
    return out;
  }

  async relationTo(other: Site): Promise<Relationship | undefined> {
    const all = await this.client.trustRelationships();
    return all.find(({ fingerprint }) => fingerprint === other.fingerprint);
  }

  async levelOf(other: Site): Promise<string> {
    return (await this.relationTo(other))?.trust_level ?? 'unknown';
  }

  /** Whether a session is open now. */
  async isConnectedTo(other: Site): Promise<boolean> {
    const peers = await this.client.nodes();
    return peers.some(
      ({ fingerprint, status }) => fingerprint === other.fingerprint && status === 'connected',
    );
  }

  get #now(): ServerProcess {
    const now = this.#lives.at(-1);
    if (now === undefined) throw new Error(`${this.name} was not started`);
    return now;
  }
}

/** An address of a node that calls and is never called: nobody listens there. */
export function nowhere(of: Site): string {
  return `http://127.0.0.1:9/${of.name}`;
}

/** Both list each other with their keys; only the first dials. Resolves when they are connected. */
export async function acquaint(dialling: Site, taking: Site, at: { readonly url: string }): Promise<void> {
  await Promise.all([
    taking.client.establishTrust({ peer_address: nowhere(dialling), fingerprint: dialling.fingerprint }),
    dialling.client.establishTrust({ peer_address: at.url, fingerprint: taking.fingerprint }),
  ]);
  await together(dialling, taking);
}

/** Waits until two nodes are connected, and each says that the other is verified. */
export async function together(a: Site, b: Site): Promise<void> {
  await eventually(
    `${a.name} and ${b.name} meet`,
    async () =>
      (await a.isConnectedTo(b)) &&
      (await b.isConnectedTo(a)) &&
      (await a.levelOf(b)) === 'verified' &&
      (await b.levelOf(a)) === 'verified',
    LONG,
  );
}

/** Span number `n` of a story; its timestamp says `year`, whenever it is written. */
export function dated(n: number, year: number): DatedSpan {
  return {
    id: `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`,
    timestamp: new Date(Date.UTC(year, 0, 1) + n * 1000).toISOString(),
    logline_id: 'logline-id://app/story',
    title: `span ${n}, dated ${year}`,
  };
}
