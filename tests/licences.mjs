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
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'OFL-1.1',
]);

// The licence of packages whose package.json names none, with the place that does.
const NAMED_ELSEWHERE = {
  'node_modules/combine-errors': 'MIT', // Its Readme.md. Only tus-js-client for Node.js uses it.
};

const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const packages = Object.entries(lock.packages).filter(([path, entry]) => path !== '' && !entry.dev);
const licences = packages.map(([path, entry]) => [path, entry.license ?? NAMED_ELSEWHERE[path]]);
const refused = licences.filter(([, licence]) => !ALLOWED.has(licence));
for (const [path, licence] of refused) console.error(`${path}: ${licence ?? 'no licence'} is not allowed`);
if (packages.length === 0) console.error('package-lock.json lists no package');
if (refused.length > 0 || packages.length === 0) process.exit(1);
console.log(`${packages.length} npm packages: all licences are allowed.`);
