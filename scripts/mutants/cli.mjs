// Bugs of the command line: a node would steer a terminal or a shell, a secret would lie open, a transfer lose or repeat.

function cli(name, { file, find, replace = '', tests, red }) {
  return { name: `cli: ${name}`, of: 'cli', file, find, replace, tests, red };
}

const STEERS = /nothing of it steers the terminal|told without its escape sequences/;

export const CLI_MUTANTS = [
  cli('escape sequences of a node reach a terminal without colours', {
    file: 'output.js',
    find: 'return cleaned(text);',
    replace: 'return text;',
    tests: ['frame'],
    red: STEERS,
  }),
  cli('escape sequences of a node reach a terminal with colours', {
    file: 'output.js',
    find: 'index % 2 === 1 ? part : cleaned(part)',
    replace: 'part',
    tests: ['frame'],
    red: STEERS,
  }),
  cli('JSON steers a terminal', {
    file: 'text.js',
    find: 'return escapedJson(JSON.stringify(value, undefined, indent));',
    replace: 'return JSON.stringify(value, undefined, indent);',
    tests: ['frame'],
    red: STEERS,
  }),
  cli('a cell is as long as a node likes', {
    file: 'output.js',
    find: 'if (text.length <= CELL_CHARS_MOST)',
    replace: 'if (true)',
    tests: ['frame'],
    red: /does not push the rest off the screen/,
  }),
  cli('a token that others can read goes without a word', {
    file: 'connection.js',
    find: 'found.isFile() && (found.mode & FOR_GROUP_OR_WORLD) !== 0',
    replace: 'false',
    tests: ['frame'],
    red: /token file that others can read/,
  }),
  cli('a shell is offered whatever a peer calls itself', {
    file: 'complete.js',
    find: 'PLAIN.test(word) && ',
    tests: ['completions'],
    red: /take for more than a word/,
  }),
  cli('spans without an id are stored again', {
    file: 'import.js',
    find: 'signal, idempotencyKey, timeoutMs',
    replace: 'signal, timeoutMs',
    tests: ['resume'],
    red: /without an id are not stored twice/,
  }),
  cli('an import goes on in a file that was changed', {
    file: 'import.js',
    find: " || this.#hash.copy().digest('hex') !== earlier.hash",
    tests: ['resume'],
    red: /a file that was changed/,
  }),
  cli('an import goes on at a node that lost what it had', {
    file: 'import.js',
    find: 'await client.get(id, { signal, ...(tenant !== null && { tenant }) });',
    tests: ['resume'],
    red: /lost what it had/,
  }),
  cli('what was torn stays in an export', {
    file: 'export-file.js',
    find: 'await handle.truncate(note?.bytes ?? 0);',
    tests: ['resume'],
    red: /an export to .* that broke/,
  }),
  cli('an export goes on with what another asked for', {
    file: 'export-file.js',
    find: 'note.wish === wish',
    replace: 'true',
    tests: ['resume'],
    red: /asks for something else/,
  }),
  cli('a crash leaves the second screen', {
    file: 'watch/screen.js',
    find: "process.once('exit', this.#restore);",
    tests: ['terminal'],
    red: /on every way out/,
  }),
];
