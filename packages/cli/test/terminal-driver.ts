// Runs command lines one after another on the streams of its own process, which a test makes a terminal of.
import { run } from '../dist/index.js';
import type { Step } from './every-command.js';

const steps = JSON.parse(process.env['STEPS'] ?? '[]') as readonly Step[];
for (const { argv, until } of steps) {
  const abort = new AbortController();
  let shown = '';
  const write = process.stdout.write.bind(process.stdout);
  const stdout = new Proxy(process.stdout, {
    get(target, name) {
      if (name === 'write')
        return (text: string, ...rest: []): boolean => {
          shown += text;
          if (until !== undefined && shown.includes(until)) setImmediate(() => abort.abort());
          return write(text, ...rest);
        };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const { stdin, stderr, env } = process;
  process.stdout.write(`\n@@@ ${argv.join(' ')}\n`);
  const code = await run(['federation', ...argv], { stdin, stdout, stderr, env, signal: abort.signal });
  process.stdout.write(`\n@@@ exit ${code}\n`);
}
