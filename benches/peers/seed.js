// Fills the database of a stopped Patio with rooms, users, memberships, tokens and history. Every row is
// a copy of a row that Patio created, so that this script depends as little as possible on the tables.
// Usage: bun seed.js DATABASE ROOM ROOMS USERS TOKEN EMPTY-ROOMS
import { Database } from "bun:sqlite";
import { createHash } from "node:crypto";

const [file, ...numbers] = process.argv.slice(2, 6);
const [room, rooms, users] = numbers.map(Number);
const [token, empty] = process.argv.slice(6);
const db = new Database(file);
const hash = (secret) => createHash("sha256").update(secret).digest();

/// Copies the row that `where` matches, once for each n of the range, with some columns changed.
function copy(table, where, [from, to], changed) {
  if (to <= from) return;
  const columns = db.query(`select name from pragma_table_info('${table}')`).all();
  const values = columns.map(({ name }) => changed[name] ?? `t."${name}"`);
  db.run(
    `insert into "${table}" (${columns.map(({ name }) => `"${name}"`)})
     with recursive n(n) as (select ${from} union all select n + 1 from n where n + 1 < ${to})
     select ${values} from n, "${table}" t where ${where} order by n`,
  );
}

db.transaction(() => {
  const me = db.query("select user_id as id from tokens where hash = ?").get(hash(token)).id;
  const last = db.query("select value from counters where name = 'message'").get().value;
  // Users are numbered from 0. The first free id follows the id of the existing user.
  const first = db.query("select max(id) + 1 as id from users").get().id;
  const name = "'bench' || n";
  copy("users", `t.id = ${me}`, [0, users], {
    id: `${first} + n`,
    name,
    folded_name: name,
    skeleton: name,
    display_name: name,
    email: "'bench' || n || '@example.org'",
    role: "'member'",
  });
  copy("rooms", `t.id = ${room}`, [1, rooms], {
    id: `${room} + n`,
    name: "'bench room ' || n",
    folded_name: "'bench room ' || n",
    code: "case when t.code is null then null else t.code || n end",
  });
  // As many more rooms as there are in a large installation, most of them direct messages. They stay empty.
  copy("rooms", `t.id = ${room}`, [rooms, rooms + Number(empty)], {
    id: `${room} + n`,
    name: "'empty room ' || n",
    folded_name: "'empty room ' || n",
    code: "case when t.code is null then null else t.code || n end",
    rev: 0,
    last_seq: 0,
  });
  // The keys of a message start with its room.
  copy("messages", `t.room_seq_key >> 32 = ${room}`, [1, rooms], {
    room_seq_key: "t.room_seq_key + (n << 32)",
    room_rev_key: "t.room_rev_key + (n << 32)",
    id: `t.id + n * ${last}`,
  });
  db.run(`update counters set value = ${last * rooms} where name = 'message'`);
  const each = Math.floor(users / rooms);
  copy("memberships", `t.user_id = ${me} and t.room_id = ${room}`, [0, each * rooms], {
    user_id: `${first} + n`,
    room_id: `${room} + n / ${each}`,
  });
  copy("tokens", `t.hash = x'${hash(token).toString("hex")}'`, [0, users], {
    hash: "randomblob(32)",
    user_id: `${first} + n`,
  });
  // The secret of a user's token is `bench-token-` and the user's number.
  const named = db.query("update tokens set hash = ? where user_id = ?");
  for (let n = 0; n < users; n++) named.run(hash(`bench-token-${n}`), first + n);
})();
db.close();
