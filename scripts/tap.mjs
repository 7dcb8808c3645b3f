// Reads a TAP stream line by line and tells of every test as it ends.

/** Calls `onTest({ outcome: 'passed' | 'failed' | 'skipped', title, detail })` for every test of the stream. */
export async function readTap(lines, { onTest, onNote = () => {} }) {
  let pending;
  let inDetail = false;
  const flush = () => {
    if (pending) onTest({ ...pending, detail: pending.detail.join('\n') });
    pending = undefined;
  };
  for await (const line of lines) {
    if (inDetail) {
      if (line.trim() === '...') inDetail = false;
      else pending?.detail.push(line);
      continue;
    }
    const result = /^(not )?ok \d+(?: - )?(.*)$/.exec(line);
    if (result) {
      flush();
      const off = /\s# (SKIP|TODO)\b.*$/i.exec(result[2]);
      const outcome = off ? 'skipped' : result[1] ? 'failed' : 'passed';
      pending = { outcome, title: off ? result[2].slice(0, off.index) : result[2], detail: [] };
    } else if (line.trim() === '---' && pending) inDetail = true;
    // What a test logged for people: figures, and what could not be tried here.
    else if (line.startsWith('#   ')) onNote(line.slice(2));
    else if (line.startsWith('Bail out!')) onNote(line);
    else if (!/^(TAP version|1\.\.\d+|#|\s*$)/.test(line)) onNote(line);
  }
  flush();
}
