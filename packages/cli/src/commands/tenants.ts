/** `tenants …`: who may read and write which tenant, and whose word on it counts. */

import type { Command } from 'commander';
import type { TenantAccess } from 'logline-federation-client';
import { EXIT, UsageError } from '../exit-code.js';
import type { Output } from '../output.js';
import type { Context, Shell } from '../shell.js';
import { safe } from '../text.js';

interface GrantOptions {
  readonly read?: boolean;
  readonly write?: boolean;
}

const POLICIES = ['timestamp', 'priority', 'manual'] as const;
const PEER = 'its id, name, address or fingerprint';
const BY: Readonly<Record<string, string>> = {
  configuration: 'by FEDERATION_TENANTS or another variable',
  operator: 'by an operator of this node',
  primary: 'by the primary',
  first_claim: 'since it was the first to claim it',
};

export function addTenants(parent: Command, shell: Shell): void {
  const tenants = parent.command('tenants').description('who may read and write which tenant');
  addAccess(tenants, shell);
  addGrant(tenants, shell);
  addUngrant(tenants, shell);
  addDesignate(tenants, shell);
  addPolicy(tenants, shell);
  addPrioritise(tenants, shell);
}

function addAccess(parent: Command, shell: Shell): void {
  const command = parent
    .command('access')
    .description('show who may read and write a tenant')
    .argument('[tenant]', 'its name (default: every tenant that is shared)');
  const examples = ['logline federation tenants access', 'logline federation tenants access acme --json'];
  shell.define(command, examples, async ({ client, out, signal }, _options, [tenant]) => {
    if (tenant !== undefined) return show(out, await client.tenants.access(tenant, { signal }));
    const tenants = await client.tenants.list({ signal });
    if (out.isJson) await out.json({ tenants });
    else if (tenants.length === 0)
      await out.line(
        'No tenant is shared: FEDERATION_TENANTS at the node, or logline federation tenants grant.',
      );
    else for (const one of tenants) await showAccess(out, one);
    return EXIT.ok;
  });
}

function addGrant(parent: Command, shell: Shell): void {
  const command = parent
    .command('grant')
    .description('say what a node may do with a tenant; data flows where both sides grant it to each other')
    .argument('<tenant>', 'its name')
    .argument('<peer>', PEER)
    .option('--read', 'it may read the tenant, and no more unless --write is given too (default: both)')
    .option('--write', 'it may write the tenant, and no more unless --read is given too');
  const examples = [
    'logline federation tenants grant acme peer-alpha',
    'logline federation tenants grant acme peer-alpha --read',
  ];
  shell.define<GrantOptions>(
    command,
    examples,
    async (context, { read, write }, [tenant = '', peer = '']) => {
      const isPlain = read === undefined && write === undefined;
      const rights = { read: isPlain || read === true, write: isPlain || write === true };
      const { client, out, signal } = context;
      return show(out, await client.tenants.grant(tenant, peer, rights, { signal }));
    },
  );
}

function addUngrant(parent: Command, shell: Shell): void {
  const command = parent
    .command('ungrant')
    .description('take back what a node may do with a tenant')
    .argument('<tenant>', 'its name')
    .argument('<peer>', PEER);
  const examples = ['logline federation tenants ungrant acme peer-alpha'];
  shell.define(
    command,
    examples,
    async ({ client, out, signal }: Context, _options, [tenant = '', peer = '']) =>
      show(out, await client.tenants.ungrant(tenant, peer, { signal })),
  );
}

function addDesignate(parent: Command, shell: Shell): void {
  const command = parent
    .command('designate')
    .description("name a tenant's primary: from then on only its grants count")
    .argument('<tenant>', 'its name')
    .argument('<peer>', `${PEER}; this node's own id for itself`);
  const examples = ['logline federation tenants designate acme logline-id://node/peer-alpha'];
  shell.define(
    command,
    examples,
    async ({ client, out, signal }: Context, _options, [tenant = '', peer = '']) =>
      show(out, await client.tenants.designate(tenant, peer, { signal })),
  );
}

function addPolicy(parent: Command, shell: Shell): void {
  const command = parent
    .command('policy')
    .description('say how conflicts of a field are settled, here or, by the primary, everywhere')
    .argument('<tenant>', 'its name')
    .argument('<field>', 'such as status, metadata.cost or identity; metadata.* or * for all others')
    .argument('<policy>', 'timestamp, priority or manual');
  const examples = ['logline federation tenants policy acme status manual'];
  shell.define(
    command,
    examples,
    async ({ client, out, signal }: Context, _options, [tenant = '', field = '', policy = '']) => {
      const known = POLICIES.find((one) => one === policy);
      if (known === undefined)
        throw new UsageError(`expected ${POLICIES.join(', ')}, got ${JSON.stringify(policy)}`);
      return show(out, await client.tenants.setPolicy(tenant, field, known, { signal }));
    },
  );
}

function addPrioritise(parent: Command, shell: Shell): void {
  const command = parent
    .command('prioritise')
    .description('say whose word counts under the policy priority, highest first')
    .argument('<tenant>', 'its name')
    .argument('<peers...>', PEER);
  const examples = ['logline federation tenants prioritise acme peer-alpha peer-beta'];
  shell.define(
    command,
    examples,
    async ({ client, out, signal }: Context, _options, [tenant = '', ...peers]) =>
      show(out, await client.tenants.prioritise(tenant, peers, { signal })),
  );
}

async function show(out: Output, access: TenantAccess): Promise<typeof EXIT.ok> {
  await (out.isJson ? out.json(access) : showAccess(out, access));
  return EXIT.ok;
}

async function showAccess(out: Output, access: TenantAccess): Promise<void> {
  const { primary, rivals, grants, policies, priorities } = access;
  const nameOf = (node: { readonly peer_id: string | null; readonly fingerprint: string }): string =>
    safe(node.peer_id ?? node.fingerprint);
  await out.facts([
    ['tenant', safe(access.tenant_id)],
    ['shared', access.federated ? 'yes' : 'no'],
    [
      'primary',
      primary === null ? 'none: each node decides for itself' : `${nameOf(primary)}, ${BY[primary.by]}`,
    ],
    ...rivals.map(
      (rival) => ['rival', `${safe(rival)} claims to be the primary, and does not count`] as const,
    ),
    ...grants.map((grant) => ['grant', `${nameOf(grant)} ${rightsText(grant)}, ${BY[grant.by]}`] as const),
    ...Object.entries(policies).map(
      ([field, policy]) => ['policy', `${safe(field)}: ${safe(policy)}`] as const,
    ),
    ...priorities.map((key, i) => [`priority ${i + 1}`, safe(key)] as const),
  ]);
}

function rightsText({ read, write }: { readonly read: boolean; readonly write: boolean }): string {
  if (read && write) return 'reads and writes';
  if (read) return 'reads';
  return write ? 'writes' : 'has no rights';
}
