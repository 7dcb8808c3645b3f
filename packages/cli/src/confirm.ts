/** Asking whoever sits at the terminal before something that others will notice. */

import { UsageError } from './exit-code.js';
import { writeTo, type Io } from './output.js';

const ANSWER_CHARS = 100;

/** Throws a `UsageError` where nobody sits there to be asked: then the command line has to say it. */
export function requireTerminal(io: Io): void {
  if (io.stdin.isTTY === true && io.stderr.isTTY === true) return;
  throw new UsageError('nobody is here to be asked: add --yes to go on, or --dry-run to see what would fall');
}

/** Whether the next line typed is `yes`. Rejects with the signal's reason when it aborts meanwhile. */
export async function isAgreed(question: string, io: Io): Promise<boolean> {
  await writeTo(io.stderr, `${question} Type yes to go on: `);
  const line = await Promise.race([firstLine(io.stdin), aborted(io.signal)]);
  return line.trim().toLowerCase() === 'yes';
}

async function firstLine(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const bytes of stdin) {
    text += Buffer.from(bytes).toString();
    if (text.includes('\n') || text.length > ANSWER_CHARS) break;
  }
  return text.split('\n', 1)[0] ?? '';
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
