// A lock between processes: one file, made atomically, that names who holds it. Waiters poll; a lock whose
// holder is gone is broken, and only by a process that holds the lock's own lock, so nobody breaks a fresh one.
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;
const HALF_WRITTEN_MS = 5_000;

/** A process by its id and, where the system tells, its start time: ids are given out again. */
function processName(pid) {
  const { state, started } = inspect(pid);
  return { pid, ...(state && { started }) };
}

/** What Linux tells of a process; empty elsewhere, or if there is none. */
function inspect(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0], started: `${boot}:${fields[19]}` };
  } catch {
    return {};
  }
}

function isAlive({ pid, started }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  if (started === undefined) return true;
  const now = inspect(pid);
  // A dead process that nobody has reaped yet still has its id.
  return now.started === started && now.state !== 'Z' && now.state !== 'X';
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** True if nobody who is named in the lock runs any more. */
function isStale(path, text) {
  let holder;
  try {
    holder = JSON.parse(text);
  } catch {
    try {
      return Date.now() - statSync(path).mtimeMs > HALF_WRITTEN_MS;
    } catch {
      return false;
    }
  }
  return !isAlive(holder.owner) && !(holder.child && isAlive(holder.child));
}

/**
 * Waits for the lock at `path` and takes it. `onWait(holder)` is called once, with the lock's text, if it must wait.
 * The result's `noteChild(pid)` keeps the lock in force while that process outlives its parent.
 */
export async function takeLock(path, onWait = () => {}) {
  const me = { owner: processName(process.pid) };
  for (let waited = false; ;) {
    try {
      writeFileSync(path, JSON.stringify(me), { flag: 'wx' });
      return { noteChild: (pid) => noteChild(path, me, pid), release: () => rmSync(path, { force: true }) };
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const text = read(path);
    if (text === undefined) continue;
    if (isStale(path, text)) {
      const breaking = await takeLock(`${path}.break`);
      if (read(path) === text) rmSync(path, { force: true });
      breaking.release();
      continue;
    }
    if (!waited) onWait(text);
    waited = true;
    await sleep(POLL_MS);
  }
}

function noteChild(path, me, pid) {
  const next = `${path}.next`;
  writeFileSync(next, JSON.stringify({ ...me, child: processName(pid) }));
  renameSync(next, path);
}
