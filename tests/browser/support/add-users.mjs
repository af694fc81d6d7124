// Fills a Patio with users by an export and an import: registering hundreds of them would take minutes.
import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CREATED = '2026-01-01T00:00:00.000Z';

/**
 * Adds users who are members of the lobby and never online, and restarts Patio. Accounts and sessions stay.
 * @param {{ name: string, shown?: string }[]} users
 */
export async function addUsers(patio, users) {
  const folder = path.join(await mkdtemp(path.join(tmpdir(), 'patio-export-')), 'export');
  const patioCommand = (...words) =>
    run(patio.executable, words, { env: { ...process.env, DATA_DIR: patio.directory, LOG: 'warn' } });
  await patioCommand('export', '--full', folder);
  const people = users.map(({ name, shown = name }, n) => ({
    id: 1000 + n,
    name,
    display_name: shown,
    email: `${name}@huerto.example`,
    role: 'member',
    bot: false,
    avatar: null,
    created_at: CREATED,
    deactivated_at: null,
    time_zone: null,
  }));
  const memberships = people.map(({ id }) => ({ user_id: id, room_id: 1, last_read_seq: 0, joined_at: CREATED }));
  const summary = JSON.parse(await readFile(path.join(folder, 'export.json'), 'utf8'));
  for (const [file, records] of Object.entries({ 'people.jsonl': people, 'memberships.jsonl': memberships })) {
    await appendFile(path.join(folder, file), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    summary.lines[file] += records.length;
  }
  await writeFile(path.join(folder, 'export.json'), JSON.stringify(summary));
  await patio.kill();
  await rm(patio.directory, { recursive: true });
  await patioCommand('import', 'patio', folder);
  await patio.start();
  await rm(path.dirname(folder), { recursive: true });
}
