// Checks for regressions: two executables on the same measurements, in turn within each round (old new old), compared with
// the difference of the old one to itself. See README.md.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const HERE = import.meta.dirname;
const USAGE = `node compare.mjs --old EXECUTABLE --new EXECUTABLE [--rounds N] [--only NAME,…] [--store FOLDER] [--store-new FOLDER] [--quick]

  --rounds  how often each is run (5)
  --only    measurements of run.mjs
  --store   reading and posting in the SQLite database that store.mjs keeps in this folder
  --store-new  the same for the new executable, if it wants another form
  --quick   short runs, to try`;

const { values: options } = parseArgs({
  options: {
    old: { type: 'string' },
    new: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    store: { type: 'string' },
    'store-new': { type: 'string' },
    messages: { type: 'string', default: '300000' },
    quick: { type: 'boolean', default: false },
  },
});

/** A regression is a median ratio above this, and above 1 + half the spread of the old executable against itself. */
const ALLOWED = 1.03;
/** Measurements for which more is better. */
const MORE_IS_BETTER = /per_second$/;
/** Values that describe the run or its input and are not measurements. */
const NO_FIGURE =
  /(^|\.)(count|items|slowest|load|loadEnd|filled|bytes|rooms|members|users|people|messages|deliveries|frame_bytes|seconds)(\.|$)/;

/** All numbers of a result, by path. */
function numbers(value, at = '', found = {}) {
  if (typeof value === 'number') found[at] = value;
  else if (value && typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) numbers(inner, at ? `${at}.${key}` : key, found);
  }
  return found;
}

/** Runs `run.mjs` once with only this executable. */
function live(executable) {
  const how = [
    '--patio',
    executable,
    '--rounds',
    '1',
    '--alone',
    ...(options.only ? ['--only', options.only] : []),
    ...(options.quick ? ['--quick'] : []),
  ];
  execFileSync(process.execPath, [path.join(HERE, 'run.mjs'), ...how], { stdio: ['ignore', 'ignore', 'inherit'] });
  return numbers(JSON.parse(readFileSync(path.join(HERE, 'out/results.json'), 'utf8')).results);
}

/** Runs `store.mjs` once with this executable, on a copy of the database, because posts make it grow. */
function stored(executable) {
  const at = mkdtempSync(path.join(tmpdir(), 'patio-compare-'));
  try {
    cpSync((executable === options.new && options['store-new']) || options.store, at, {
      recursive: true,
      filter: (file) => !file.endsWith('.json') || file.endsWith('filled.json'),
    });
    const how = [
      '--patio',
      executable,
      '--engine',
      'sqlite',
      '--messages',
      options.messages,
      '--at',
      at,
      '--only',
      'ask,ack,post',
    ];
    execFileSync(process.execPath, [path.join(HERE, 'store.mjs'), ...how], { stdio: ['ignore', 'ignore', 'inherit'] });
    return numbers(JSON.parse(readFileSync(path.join(at, `sqlite-${options.messages}.json`), 'utf8')));
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
}

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

function table(rounds) {
  const rows = [];
  for (const name of Object.keys(rounds[0].old)) {
    if (NO_FIGURE.test(name)) continue;
    const turn = (one, other) => (MORE_IS_BETTER.test(name) ? other / one : one / other);
    const sound = rounds.filter(({ old, fresh, again }) => old[name] > 0 && fresh[name] > 0 && again[name] > 0);
    if (sound.length < rounds.length) continue;
    const ratios = sound.map(({ old, fresh, again }) => turn(fresh[name], (old[name] + again[name]) / 2));
    const itself = sound.map(({ old, again }) => turn(again[name], old[name]));
    const spread = Math.max(...itself) - Math.min(...itself);
    const ratio = median(ratios);
    const isWorse = ratio > ALLOWED && ratio > 1 + spread / 2;
    const middle = (whose) => median(sound.map((round) => round[whose][name])).toPrecision(3);
    rows.push([name, middle('old'), middle('fresh'), ratio.toFixed(3), spread.toFixed(3), isWorse ? '**worse**' : '']);
  }
  const head = ['What', 'old', 'new', 'new ÷ old', 'spread of old', ''];
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

if (!options.old || !options.new) {
  console.error(USAGE);
  process.exit(2);
}
const run = options.store ? stored : live;
const rounds = [];
for (let round = 1; round <= Number(options.rounds); round++) {
  rounds.push({ old: run(options.old), fresh: run(options.new), again: run(options.old) });
  console.error(`round ${round} of ${options.rounds} done`);
}
console.log(table(rounds));
