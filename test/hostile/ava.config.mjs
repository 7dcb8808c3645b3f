// The hostile cases: not among the tests of every day, since they take minutes. See scripts/hostile.mjs.
export default {
  files: ['test/dist/hostile/**/*.cases.js'],
  workerThreads: false,
  concurrency: 3,
  timeout: '5m',
  nodeArguments: ['--enable-source-maps'],
};
