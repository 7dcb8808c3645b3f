/** A program: a stock automerge-repo client, just as its README shows it, that calls the address it is given and says who answers. */

import { Repo } from '@automerge/automerge-repo';
import { WebSocketClientAdapter } from '@automerge/automerge-repo-network-websocket';

const RETRY_MS = 200;

const [url = ''] = process.argv.slice(2);
const repo = new Repo({ network: [new WebSocketClientAdapter(url, RETRY_MS)] });
repo.networkSubsystem.on('peer', ({ peerId }) => process.stdout.write(`peer ${peerId}\n`));
repo.create({ secret: 'of the client' });
