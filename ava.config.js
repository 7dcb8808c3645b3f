// Child processes rather than worker threads, since the native addons are not made for those.
export default {
  files: ['packages/*/dist-test/**/*.test.js', 'test/dist/**/*.test.js', 'bench/dist-test/**/*.test.js'],
  workerThreads: false,
  concurrency: 2,
  timeout: '5m',
  nodeArguments: ['--enable-source-maps'],
};
