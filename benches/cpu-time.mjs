// The CPU time of processes and of their children, from Linux.
import { readdirSync, readFileSync } from 'node:fs';

/** The ids of the child processes, without autovacuum workers of PostgreSQL, which are short-lived. */
export const children = (parent) =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const isChild = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === String(parent);
        return isChild && !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('autovacuum worker');
      } catch {
        return false;
      }
    });

/** The CPU time of all threads of these processes so far, in microseconds. */
export function used(pids) {
  let sum = 0;
  for (const pid of pids) {
    try {
      for (const task of readdirSync(`/proc/${pid}/task`)) {
        sum += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
      }
    } catch {
      // It has ended since the listing.
    }
  }
  return sum / 1000;
}
