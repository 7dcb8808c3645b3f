// A service with an Automerge document of its own: two people change one ticket while they are cut off from each other.
//   node examples/dist/own-document.js
import * as Automerge from '@automerge/automerge';
import { AddWinsSet, NoteLog, Register } from '@logline/federation-core/documents';

type Ticket = { title: string };

const now = (): number => Date.now();
const status = new Register<string>('status', { now, policy: 'manual' });
const labels = new AddWinsSet('labels', { now });
const notes = new NoteLog('notes', { now });

let alice = Automerge.from<Ticket>({ title: 'the till is broken' });
alice = labels.add(alice, 'urgent');
let bob = Automerge.clone(alice);

// Neither hears of the other.
alice = notes.append(status.set(alice, 'closed'), 'works again');
alice = labels.remove(alice, 'urgent');
bob = notes.append(status.set(bob, 'waiting'), 'ordered a part');
bob = labels.add(labels.remove(bob, 'urgent'), 'urgent');

// They meet. Any policy but `manual` would have settled the status by itself.
alice = Automerge.merge(alice, bob);
const seen = status.read(alice);
console.log(`to decide: ${seen.candidates.map(({ value }) => value).join(' or ')}`);
if (seen.open) alice = status.resolve(alice, 'waiting', 'the part comes on Monday');

bob = Automerge.merge(bob, alice);
console.log(`decided: ${status.read(bob).value ?? 'nothing'}, open: ${status.read(bob).open}`);
console.log(`labels: ${[...labels.read(bob)].join(', ')}`);
for (const { text } of notes.read(bob)) console.log(`note: ${text}`);
