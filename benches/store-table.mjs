// Creates the table of the database measurements: a column for each engine, and the goals.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

function number(value, digits) {
  if (!Number.isFinite(value)) return '–';
  const text = value.toFixed(digits ?? (Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2));
  return text.replace(/\B(?=(\d{3})+(?!\d))/g, value >= 10_000 ? ',' : '');
}

/** A value over all rounds: the text to show, and the number to compare with the goal. */
const spread = (values, unit = '') => ({
  value: median(values),
  text: `${number(median(values))}${unit} [${number(Math.min(...values))}–${number(Math.max(...values))}]`,
});
const one = (value, text = number(value)) => ({ value, text });

const rounds = (results, what) => results.ingest && spread(results.ingest.map(what));
const times = (found) =>
  found &&
  one(
    found.cpu_p99,
    `${number(found.cpu_p50)} / **${number(found.cpu_p99)}** (wall ${number(found.wall_p50)} / ${number(found.wall_p99)})`,
  );
const search = (title, name, must) => [
  title,
  (r) => times(r[name]),
  must && `≤ ${must}`,
  must && `≤ ${must / 2}`,
  { must, aim: must / 2 },
];

/** Title, how to compute the value from an engine's results, and the goals as text and as numbers. */
const ROWS = [
  [
    'Durable messages/s over one commit a message, pool of 8',
    (r) => rounds(r, (n) => n.patio.per_second / n.baseline.per_second),
    '≥ 10×',
    '≥ 18×',
    { must: 10, aim: 18, atLeast: true },
  ],
  ['– over one commit a message on one connection', (r) => rounds(r, (n) => n.patio.per_second / n.single.per_second)],
  ["– Patio's writer, messages/s", (r) => rounds(r, (n) => n.patio.per_second)],
  ['– one commit a message, pool of 8, messages/s', (r) => rounds(r, (n) => n.baseline.per_second)],
  ['– one commit a message, one connection, messages/s', (r) => rounds(r, (n) => n.single.per_second)],
  [
    'CPU µs for each stored message (writer and load)',
    (r) => rounds(r, (n) => n.patio.cpu_us),
    '≤ 60',
    '≤ 40',
    { must: 60, aim: 40 },
  ],
  ['– one commit a message, pool of 8', (r) => rounds(r, (n) => n.baseline.cpu_us)],
  [
    'Socket post → acknowledged, 64 clients, messages/s',
    (r) => r.post && spread(r.post.map((n) => n.per_second)),
    '≥ 5,000',
    '≥ 9,000',
    { must: 5000, aim: 9000, atLeast: true },
  ],
  ['– CPU µs of the server for each', (r) => r.post && spread(r.post.map((n) => n.cpu_per_message.us))],
  [
    'Acknowledged within, 1,000/s, ms p50 / **p99**',
    (r) =>
      r.ack && {
        ...spread(r.ack.map((n) => n.latency.p99)),
        text: `${number(median(r.ack.map((n) => n.latency.p50)))} / **${spread(r.ack.map((n) => n.latency.p99)).text}**`,
      },
    '≤ 15',
    '≤ 6',
    { must: 15, aim: 6 },
  ],
  ['A request that reads one row (`/me`)', (r) => times(r.me)],
  ['Open a room', (r) => times(r.open), '≤ 1', '≤ 0.5', { must: 1, aim: 0.5 }],
  ['A page at any depth of a room', (r) => times(r.page), '≤ 1', '≤ 0.5', { must: 1, aim: 0.5 }],
  search('Search: a common word', 'common', 2),
  search('– a middling word', 'middling'),
  search('– a rare word', 'rare', 15),
  search('– two common words', 'common and common', 15),
  search('– a common and a rare word', 'common and rare', 15),
  search('– two middling words', 'middling and middling', 15),
  search('– a phrase', 'phrase', 15),
  search('– a prefix of 5 letters', 'prefix of 5', 20),
  search('– a prefix of 3 letters', 'prefix of 3'),
  search('– a common word while it is typed', 'common, being typed'),
  search('– what is nowhere', 'nothing'),
  [
    'Bytes a message, indexes and stored HTML included',
    (r) => r.bytes && one(r.bytes),
    '≤ 450',
    '≤ 400',
    { must: 450, aim: 400 },
  ],
  [
    '– without the stored HTML',
    (r) => r.bytes && one(r.bytes - r.filled.html_bytes),
    '≤ 320',
    '≤ 270',
    { must: 320, aim: 270 },
  ],
];

function verdict(value, { must, aim, atLeast = false } = {}) {
  if (must === undefined || !Number.isFinite(value)) return '';
  const holds = (goal) => (atLeast ? value >= goal : value <= goal);
  return holds(aim) ? ' (aim)' : holds(must) ? ' (must)' : ' (**no**)';
}

export function markdown(results, { messages, date, patio }) {
  const engines = Object.entries({ sqlite: 'SQLite', postgres: 'PostgreSQL' }).filter(([name]) => results[name]);
  const head = ['What', ...engines.map(([, title]) => title), 'must', 'aim'];
  const rows = ROWS.map(([title, take, must, aim, goals]) => {
    const cells = engines.map(([name]) => {
      const found = take(results[name]);
      return found ? found.text + verdict(found.value, goals) : '';
    });
    return cells.some(Boolean) ? [title, ...cells, must ?? '', aim ?? ''] : null;
  });
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  }).trim();
  const cpu = /model name\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  const loads = engines.map(
    ([name, title]) => `${title} ${number(results[name].load)} and ${number(results[name].loadEnd)}`,
  );
  const version = execFileSync(patio, ['--version'], { encoding: 'utf8' }).trim();
  return [
    `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC, ${cpu}, load average before and after: ${loads.join(', ')}. ${version}; sources at ${commit}.`,
    `${messages.toLocaleString('en')} messages, mean body ${number(results[engines[0][0]].filled.body_bytes)} bytes. Times are milliseconds of CPU, p50 / **p99**, of the server and of PostgreSQL together.`,
    '',
    line(head),
    line(head.map(() => '---')),
    ...rows.filter(Boolean).map(line),
  ].join('\n');
}
