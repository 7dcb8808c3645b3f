// The committed types are those of the service as it is now.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

test('the types are what the service’s own document gives', (t) => {
  const script = fileURLToPath(new URL('../../../scripts/client-types.mjs', import.meta.url));
  const result = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  t.is(result.status, 0, result.stderr);
});
