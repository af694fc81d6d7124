// Holds the npm packages that Patio ships or is built with to an allow-list of licences. deny.toml does the same
// for Rust's crates. Packages that are only development tools are not part of Patio.

import { readFileSync } from 'node:fs';

// htmx calls 0BSD `BSD-0-Clause`.
const ALLOWED = new Set([
  'BSD-0-Clause',
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'OFL-1.1',
]);

const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const packages = Object.entries(lock.packages).filter(([path, entry]) => path !== '' && !entry.dev);
const refused = packages.filter(([, entry]) => !ALLOWED.has(entry.license));
for (const [path, entry] of refused) console.error(`${path}: ${entry.license ?? 'no licence'} is not allowed`);
if (packages.length === 0) console.error('package-lock.json lists no package');
if (refused.length > 0 || packages.length === 0) process.exit(1);
console.log(`${packages.length} npm packages: all licences are allowed.`);
