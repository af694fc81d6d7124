// Creates the table: medians of the rounds, ratios of runs in the same round, and the goals.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';

const at = (object, path) => path.split('.').reduce((value, key) => value?.[key], object);

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (!sorted.length) return undefined;
  return sorted.length % 2 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** One number of each round, selected by a path or a function. */
function take(rounds, what) {
  const get = typeof what === 'function' ? what : (round) => at(round, what);
  return (rounds ?? []).map((round) => (round.failed ? undefined : get(round)));
}

const known = (values) => values.filter((value) => Number.isFinite(value));

function number(value, digits) {
  const text = value.toFixed(digits ?? (Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2));
  return text.replace(/\B(?=(\d{3})+(?!\d))/g, value >= 10_000 ? ',' : '');
}

/** The median, with minimum and maximum if there are several rounds. */
function cell(values, rounds, unit = '') {
  const numbers = known(values);
  if (!rounds?.length) return 'not run';
  if (!numbers.length) return rounds.every((round) => round.failed) ? 'failed' : '–';
  const middle = number(median(numbers)) + unit;
  if (numbers.length === 1) return middle;
  return `${middle} [${number(Math.min(...numbers))}–${number(Math.max(...numbers))}]`;
}

/** The ratio of two values, round by round. */
const over = (mine, theirs) => median(known(mine.map((value, round) => value / theirs[round])));

/** Whether a value meets a goal: `{ must, aim }` are upper limits, or lower ones with `atLeast`. */
function verdict(value, { must, aim, atLeast = false }) {
  if (!Number.isFinite(value)) return '';
  if (must === undefined && aim === undefined) return '';
  const holds = (goal) => goal !== undefined && (atLeast ? value >= goal : value <= goal);
  return holds(aim) ? 'aim' : holds(must) ? 'must' : '**no**';
}

/** The worst of several results. */
const worst = (...verdicts) => ['**no**', 'must', 'aim'].find((one) => verdicts.includes(one)) ?? '';

export function markdown(results, facts) {
  const rows = [];
  /** A figure of several peers, with ratios of Patio to some of them; the goals are for the ratios,
   * or for Patio's own figure. */
  const compare = (name, title, what, { ratios = {}, goals, unit = '', goal = '', aim = '' } = {}) => {
    const measured = results[name];
    if (!measured) return;
    const values = (peer) => take(measured[peer], what);
    const against = Object.entries(ratios).map(([peer, goals]) => {
      const ratio = over(values('Patio'), values(peer));
      return { text: Number.isFinite(ratio) ? `${number(ratio, 2)}× ${peer}` : '', met: verdict(ratio, goals) };
    });
    rows.push([
      title,
      ...['Patio', 'Bun', 'bare send()'].map((peer) =>
        measured[peer] ? cell(values(peer), measured[peer], unit) : '',
      ),
      against
        .map(({ text }) => text)
        .filter(Boolean)
        .join(', '),
      goal,
      aim,
      goals ? verdict(median(known(values('Patio'))), goals) : worst(...against.map(({ met }) => met)),
    ]);
  };
  /** Values of Patio, each with its goal. */
  const alone = (name, title, parts, goal = '', aim = '') => {
    const measured = results[name]?.Patio;
    if (!results[name]) return;
    const cells = parts.map(({ what, unit }) => cell(take(measured, what), measured, unit));
    const met = parts.map(({ what, goals }) => (goals ? verdict(median(known(take(measured, what))), goals) : ''));
    rows.push([title, cells.join(' / '), '', '', '', goal, aim, worst(...met)]);
  };
  live(compare, alone, results, facts);
  rest(compare, alone, facts);
  const head = ['What', 'Patio', 'Bun', 'bare send()', 'ratio', 'must', 'aim', 'reached'];
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
  return [about(facts), lines.join('\n'), chat(results), failures(results, facts)].filter(Boolean).join('\n\n');
}

const CPU = 'cpu_per_delivery.us';

function live(compare, alone, results, { small, many, sameFrame }) {
  const floor = { must: 1.2 };
  const one = `1 × ${small}, 15 messages/s`;
  compare('room', `CPU µs a delivery, ${one}, frames of ${sameFrame} bytes`, CPU, {
    ratios: { 'bare send()': floor, Bun: { must: 1.05, aim: 0.9 } },
    goal: '≤ 1.2× bare, ≤ 1.05× Bun',
    aim: '≤ 0.9× Bun',
  });
  compare('room', '– of which user time', 'cpu_per_delivery.user_us');
  compare('room-same-body', `CPU µs a delivery, ${one}, bodies of 300 bytes`, CPU, {
    ratios: { 'bare send()': floor, Bun: { must: 1.05, aim: 0.9 } },
  });
  compare('room', 'ms until one has it, p50', 'latency.p50');
  compare('room', 'ms until one has it, p99', 'latency.p99');
  alone(
    'room',
    `ms from post to all ${small}, p50 / p99 (stored)`,
    [
      { what: 'everybody.p50', goals: { must: 15, aim: 10 } },
      { what: 'everybody.p99', goals: { must: 45, aim: 30 } },
    ],
    '≤ 15 / 45',
    '≤ 10 / 30',
  );
  compare('rooms', `CPU µs a delivery, ${many.rooms} × ${many.members}, 1 message/s each, all of it`, CPU);
  compare('rooms-alone', '– the same posts read by their sender alone, µs a post', 'cpu_per_message.us');
  if (results.rooms && results['rooms-alone']) {
    // Both runs include the delivery to the sender; the difference is the cost of the others.
    const rest = {};
    for (const peer of Object.keys(results.rooms)) {
      const apart = take(results['rooms-alone'][peer], 'cpu_per_message.us');
      rest[peer] = take(results.rooms[peer], 'cpu_per_message.us').map((us, round) => ({
        us: (us - apart[round]) / (many.members - 1),
      }));
    }
    results['rooms-rest'] = rest;
  }
  compare('rooms-rest', '– without these: µs for each delivery to another', 'us', {
    ratios: { Bun: { must: 1.1, aim: 0.85 } },
    goal: '≤ 1.1× Bun',
    aim: '≤ 0.85× Bun',
  });
  saturated(compare, results, small);
}

function saturated(compare, results, small) {
  const bun = median(known(take(results.saturated?.Bun, 'per_second'))) ?? Infinity;
  compare('saturated', `Deliveries/s, 1 × ${small}, 32 messages under way`, 'per_second', {
    ratios: { Bun: {} },
    goals: { must: 400_000, aim: Math.max(bun, 400_000), atLeast: true },
    goal: '≥ 400,000',
    aim: '≥ Bun',
  });
  compare('saturated', '– CPU µs a delivery', CPU);
}

function rest(compare, alone, { big, small }) {
  compare('idle', `KiB resident for each of ${big} idle connections`, 'rss_kib_each', {
    goals: { must: 6, aim: 4 },
    goal: '≤ 6',
    aim: '≤ 4',
  });
  compare('idle', '– the whole process, MiB resident', (round) => round.after.rss_kib / 1024, {
    goals: { must: 80, aim: 60 },
    goal: '≤ 80',
    aim: '≤ 60',
  });
  compare('idle', '– CPU µs for each to come in', 'cpu_to_enter.us');
  alone(
    'reconnect',
    `s until ${big} are back after kill -9 and a start, all caught up`,
    [{ what: 'back_s', goals: { must: 10, aim: 4 } }],
    '≤ 10, no error',
    '≤ 4',
  );
  alone('reconnect', '– caught up / errors / s after the first was in', [
    { what: 'caught_up' },
    { what: 'errors', goals: { aim: 0 } },
    { what: 'back_after_first_entry_s' },
  ]);
  slow(compare, small);
  alone('start', 'MiB resident of an idle server, just started', [{ what: (round) => round.rss_kib / 1024 }]);
  alone(
    'start',
    'ms from start to /up, with a database / after kill -9',
    [{ what: 'start_ms', goals: { must: 100, aim: 50 } }, { what: 'start_after_kill_ms' }],
    '≤ 100',
    '≤ 50',
  );
  alone(
    'page',
    'pages of a room with 50 messages, for each second of a core / per second here',
    [{ what: 'per_cpu_second', goals: { must: 1_500, aim: 3_000, atLeast: true } }, { what: 'per_second' }],
    '≥ 1,500',
    '≥ 3,000',
  );
  alone('logged', '– the same with the access log (`LOG=info`)', [{ what: 'per_cpu_second' }, { what: 'per_second' }]);
  alone('page', '– KB a page / ms p99 with 8 visitors', [
    { what: (round) => round.page_bytes / 1000 },
    { what: 'latency.p99' },
  ]);
  alone('flood', `ms a page p99, 20/s: quiet / while a room of ${big} is flooded`, [
    { what: 'quiet.latency.p99' },
    { what: 'flooded.latency.p99' },
  ]);
  alone(
    'many-rooms',
    'ms p99 of a post, 20/s: with 100 other rooms / with 200,000 over that',
    [
      { what: 'few.latency.p99' },
      { what: (round) => round.many.latency.p99 / round.few.latency.p99, goals: { must: 1.2 } },
    ],
    '≤ 1.2',
  );
  alone('post', 'posts stored a second by 64 clients / ms p50 / p99 / CPU µs each', [
    { what: 'per_second' },
    { what: 'latency.p50' },
    { what: 'latency.p99' },
    { what: 'cpu_per_message.us' },
  ]);
}

function slow(compare, small) {
  compare(
    'slow',
    `1 % of ${small} never read: the others' p99, over that without them`,
    (round) => round.with.latency.p99 / round.without.latency.p99,
    { goals: { must: 1.2 }, goal: '≤ 1.2' },
  );
  compare('slow', '– % of them that were cut', (round) => (100 * round.with.slow.cut) / round.with.slow.members, {
    goals: { must: 100, atLeast: true },
    goal: 'all',
  });
  compare('slow', '– KiB held for one when it was cut, at most', 'with.slow.held_kib_most', {
    goal: '≤ 256 + send buffer',
  });
  compare(
    'slow',
    "– kernel's TCP memory, MiB more at most",
    (round) => (round.with.slow.tcp_kib_most - round.with.slow.tcp_kib_before) / 1024,
  );
}

/** The other chat servers have a separate table: other protocols and fewer members. */
function chat(results) {
  const measured = results.chat;
  if (!measured) return '';
  const head = ['500 or fewer in a room', ...Object.keys(measured)];
  const line = (title, what) => [title, ...Object.values(measured).map((rounds) => cell(take(rounds, what), rounds))];
  const rows = [
    head,
    head.map(() => '---'),
    line('CPU µs a delivery, 300 bytes, 15 messages/s', CPU),
    line('– of which user time', 'cpu_per_delivery.user_us'),
    line('ms until one has it, p50', 'latency.p50'),
    line('ms until one has it, p99', 'latency.p99'),
    line('MiB resident', (round) => round.memory.rss_kib / 1024),
  ];
  return rows.map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Failures of the runs, which the table must not hide. */
function failures(results, { missing }) {
  const lines = [...missing].map(([peer, why]) => `- ${peer}: not run (${why}).`);
  for (const [name, peers] of Object.entries(results)) {
    for (const [peer, rounds] of Object.entries(peers)) {
      for (const [index, round] of rounds.entries()) {
        const where = `- ${name}, ${peer}, round ${index + 1}`;
        if (round.failed) lines.push(`${where}: failed: ${round.failed.split('\n')[0]}`);
        for (const [kind, part] of [
          ['', round],
          [' (with)', round.with ?? {}],
          [' (without)', round.without ?? {}],
        ]) {
          const { lost, surplus, refused } = part;
          if (lost) lines.push(`${where}${kind}: ${lost} deliveries lost of ${lost + part.deliveries}.`);
          if (surplus) lines.push(`${where}${kind}: ${surplus} deliveries twice.`);
          if (refused && name === 'post') lines.push(`${where}: ${refused} posts refused.`);
          const cut = part.slow?.cut ?? 0;
          if (part.gone > cut) lines.push(`${where}${kind}: ${part.gone} readers lost their connection.`);
        }
      }
    }
  }
  return lines.length
    ? `What did not go as it should:\n\n${lines.join('\n')}`
    : 'Every message reached everybody once.';
}

function about({ date, rounds, versions, quick }) {
  const cpu = os.cpus()[0]?.model.trim();
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ')[0];
  const git = (...args) => execFileSync('git', args, { encoding: 'utf8', cwd: import.meta.dirname }).trim();
  const text = [
    `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC, Linux ${os.release()}, ${cpu}, load average at the end ${load}.`,
    `${versions.join(', ')}; sources at ${git('rev-parse', '--short', 'HEAD')}.`,
    rounds > 1 ? `Medians of ${rounds} rounds [least–most]; ratios within a round.` : 'One round.',
  ];
  if (quick) text.push('**Quick run: small rooms, short times. The figures mean nothing.**');
  return text.join('\n');
}
