#!/usr/bin/env node
// Committed rather than built, so that an install can link it before the first build.
import { existsSync } from 'node:fs';

if (existsSync(new URL('../dist/main.js', import.meta.url))) await import('../dist/main.js');
else {
  console.error('logline: it is not compiled yet: run `npm run build` in the checkout first');
  process.exitCode = 1;
}
