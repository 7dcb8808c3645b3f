/** What must not outlive the test process, however that ends: a teardown is not reached after an uncaught exception. */

const pending = new Set<() => void>();

process.once('exit', () => {
  for (const clean of pending) {
    try {
      clean();
    } catch {
      // The next one has to be tried too, and nobody is left to tell.
    }
  }
});

/** Has `clean` called if the process ends before it was cancelled. It must not wait for anything. */
export function atExit(clean: () => void): { cancel(): void } {
  pending.add(clean);
  return { cancel: () => pending.delete(clean) };
}
