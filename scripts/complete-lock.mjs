// Adds to package-lock.json the optional platform packages that npm left out because the registry in use
// does not serve them; `npm ci` would otherwise refuse the lock on every other machine.
import { readFileSync, writeFileSync } from 'node:fs';

const lockUrl = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(lockUrl, 'utf8'));
const OSES = {
  windows: 'win32',
  win32: 'win32',
  darwin: 'darwin',
  linux: 'linux',
  android: 'android',
  freebsd: 'freebsd',
  openbsd: 'openbsd',
  netbsd: 'netbsd',
  sunos: 'sunos',
  aix: 'aix',
  openharmony: 'openharmony',
};
const CPUS = {
  64: 'x64',
  x64: 'x64',
  arm64: 'arm64',
  arm: 'arm',
  ia32: 'ia32',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  loong64: 'loong64',
  mips64el: 'mips64el',
};

/** What a platform package's name says about where it installs; undefined for any other package. */
function platformOf(name) {
  const words = name.split('/').at(-1).split('-');
  const os = words.map((word) => OSES[word]).find(Boolean);
  const cpu = words.map((word) => CPUS[word]).find(Boolean);
  if (!os || !cpu) return undefined;
  const libc = words.some((word) => word.startsWith('musl'))
    ? 'musl'
    : words.some((word) => word.startsWith('gnu'))
      ? 'glibc'
      : undefined;
  return { os: [os], cpu: [cpu], ...(libc && { libc: [libc] }) };
}

const added = [];
for (const [path, info] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(info.optionalDependencies ?? {})) {
    const spot = `node_modules/${name}`;
    const platform = platformOf(name);
    if (lock.packages[spot] || lock.packages[`${path}/${spot}`] || !platform) continue;
    lock.packages[spot] = { version, ...(info.dev && { dev: true }), optional: true, ...platform };
    added.push(`${name}@${version}`);
  }
}
for (const [path, info] of Object.entries(lock.packages)) if (!info.link) delete lock.packages[path].resolved;
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')),
);
writeFileSync(lockUrl, `${JSON.stringify(lock, null, 2)}\n`);
console.log(
  added.length ? `added ${added.length} optional packages:\n  ${added.join('\n  ')}` : 'the lock is complete',
);
