// Two nodes, each a process, say different things of one span before they meet; each policy settles it alike at both.
//   node examples/dist/disagree.js
import { Pair } from './disagree/pair.js';

const ID = '00000000-0000-4000-8000-000000000001';
const PAID = {
  id: ID,
  timestamp: '2025-10-03T22:00:00Z',
  logline_id: 'logline-id://person/ada',
  title: 'order paid',
};

await using pair = await Pair.open();

async function agree(title: string, wanted: string): Promise<void> {
  await pair.agree(ID, wanted, ({ status, conflicted }) =>
    conflicted === undefined ? `${status ?? 'nothing'}` : `${status ?? 'nothing'}, to be decided`,
  );
  console.log(`${title}: both read ${wanted}`);
}

await pair.with('timestamp', async () => {
  for (const [i, client] of pair.clients.entries()) {
    await client.append(PAID);
    await client.timeline.annotate(ID, { status: i === 0 ? 'executed' : 'reverted' });
  }
  await pair.meet();
  await agree('timestamp', 'reverted');
});

await pair.with('priority', () => agree('priority of alice', 'executed'));

await pair.with('manual', async () => {
  await agree('manual', 'reverted, to be decided');
  const [alice] = pair.clients;
  const { conflicts = [] } = (await alice?.conflicts.list({ state: 'open' })) ?? {};
  for (const { id, candidates } of conflicts) {
    const [executed] = candidates;
    if (executed !== undefined)
      await alice?.conflicts.resolve(id, { choose: executed.ref, note: 'it did run' });
  }
  await agree('decided at alice', 'executed');
});
