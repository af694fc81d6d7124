// Holds what Patio is made of to an allow-list of licences, and keeps OpenSSL and its like out.
//
// Looks at every crate that a build for this machine needs and at every npm package that is no
// development tool. A crate that only runs during the build (a macro, a build script) is not part
// of the executable; for those alone MPL-2.0 is fine too.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'Apache-2.0 WITH LLVM-exception',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BSL-1.0',
  'CC0-1.0',
  'CDLA-Permissive-2.0',
  'ISC',
  'MIT',
  'OFL-1.1',
  'Unicode-3.0',
  'Unicode-DFS-2016',
  'Unlicense',
  'Zlib',
]);
const ALLOWED_IN_BUILD = new Set([...ALLOWED, 'MPL-2.0']);

// TLS is rustls with ring: it needs no system library and links statically.
const UNWANTED = new Set(['aws-lc-sys', 'native-tls', 'openssl-sys']);

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
checkTheEvaluator();
const rust = crates();
const npm = npmPackages();
const complaints = [...rust, ...npm].flatMap(complain);
for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) process.exit(1);
const shipped = rust.filter((crate) => crate.shipped).length;
console.log(
  `${rust.length} crates (${shipped} of them in the executable) and ${npm.length} npm packages: all licences are allowed.`,
);

function complain({ name, version, licence, shipped }) {
  const found = [];
  if (UNWANTED.has(name)) found.push(`${name} ${version}: not wanted here, TLS is rustls with ring`);
  if (!licence) found.push(`${name} ${version}: names no licence`);
  else if (!isSatisfied(licence, shipped ? ALLOWED : ALLOWED_IN_BUILD))
    found.push(`${name} ${version}: ${licence} is not allowed`);
  return found;
}

// Every crate reached from ours, with whether its code becomes part of the executable.
function crates() {
  const host = /^host: (.+)$/m.exec(run('rustc', '-vV'))[1];
  const { packages, resolve } = JSON.parse(
    run('cargo', 'metadata', '--format-version=1', '--locked', `--filter-platform=${host}`),
  );
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const byId = new Map(packages.map((crate) => [crate.id, crate]));
  const isMacro = (id) => byId.get(id).targets.some((target) => target.kind.includes('proc-macro'));

  const inExecutable = reach(nodes, resolve.root, (dep) => hasKind(dep, null) && !isMacro(dep.pkg));
  const inBuild = reach(nodes, resolve.root, (dep) => hasKind(dep, null) || hasKind(dep, 'build'));
  return [...inBuild].map((id) => {
    const { name, version, license } = byId.get(id);
    return { name, version, licence: license, shipped: inExecutable.has(id) };
  });
}

function reach(nodes, root, follows) {
  const reached = new Set([root]);
  // A set hands out what is added while it is walked.
  for (const id of reached) for (const dep of nodes.get(id).deps) if (follows(dep)) reached.add(dep.pkg);
  return reached;
}

function hasKind(dep, kind) {
  return dep.dep_kinds.some((entry) => entry.kind === kind);
}

function npmPackages() {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  return Object.entries(packages)
    .filter(([path, entry]) => path !== '' && !entry.dev)
    .map(([path, entry]) => ({
      name: path.replace(/^.*node_modules\//, ''),
      version: entry.version,
      licence: entry.license ?? installedLicence(path),
      shipped: true,
    }));
}

function installedLicence(path) {
  try {
    return JSON.parse(readFileSync(`${path}/package.json`, 'utf8')).license;
  } catch {
    return undefined;
  }
}

// SPDX expressions: WITH binds tighter than AND, AND tighter than OR. A slash is an old OR.
function isSatisfied(expression, allowed) {
  const tokens = expression.replaceAll('/', ' OR ').match(/[()]|[^\s()]+/g) ?? [];
  const take = (token) => tokens[0] === token && tokens.shift() !== undefined;

  function either() {
    let satisfied = both();
    while (take('OR')) satisfied = both() || satisfied;
    return satisfied;
  }
  function both() {
    let satisfied = one();
    while (take('AND')) satisfied = one() && satisfied;
    return satisfied;
  }
  function one() {
    if (take('(')) {
      const satisfied = either();
      return take(')') && satisfied;
    }
    const name = tokens.shift();
    return allowed.has(take('WITH') ? `${name} WITH ${tokens.shift()}` : name);
  }

  const satisfied = either();
  return satisfied && tokens.length === 0;
}

function checkTheEvaluator() {
  for (const [expression, expected] of [
    ['MIT', true],
    ['GPL-3.0-only', false],
    ['GPL-3.0-only OR MIT', true],
    ['GPL-3.0-only AND MIT', false],
    ['MIT/Apache-2.0', true],
    ['GPL-2.0/GPL-3.0', false],
    ['GPL-3.0-only AND MIT OR ISC', true],
    ['GPL-3.0-only AND (MIT OR ISC)', false],
    ['(MIT OR Apache-2.0) AND Unicode-3.0', true],
    ['Apache-2.0 WITH LLVM-exception', true],
    ['MIT WITH LLVM-exception', false],
    ['(MIT', false],
    ['MIT MIT', false],
    ['', false],
  ]) {
    assert.equal(isSatisfied(expression, ALLOWED), expected, expression);
  }
}

function run(program, ...parameters) {
  return execFileSync(program, parameters, {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
