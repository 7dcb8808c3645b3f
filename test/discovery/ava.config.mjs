// Discovery between machines: not among the tests of every day, since it needs root and packages. See scripts/discovery.mjs.
export default {
  files: ['test/dist/discovery/**/*.cases.js'],
  workerThreads: false,
  // Avahi runs once on a machine.
  concurrency: 1,
  timeout: '3m',
  nodeArguments: ['--enable-source-maps'],
};
