//! The tables of an export, in the order in which they are imported.

use crate::chat::accounts::model::{DisplayName, Email, Handle};
use crate::chat::messages::model::{DeletedBy, MessageBody, Nonce};
use crate::chat::messages::render;
use crate::chat::rooms::model::{Code, RoomName, RoomTopic};
use crate::export::jsonl::value::{Row, Value};
use crate::export::jsonl::{Field, Form, Kind};
use crate::http::Language;
use crate::kernel::FieldError;

/// Checks a row and adds the computed columns of its table. The error explains what is wrong.
pub type Rebuild = fn(&mut Row) -> Result<(), String>;

const fn field(name: &'static str, form: Form) -> Field {
    Field { name, form, optional: false }
}

const fn optional(name: &'static str, form: Form) -> Field {
    Field { name, form, optional: true }
}

/// All kinds of records.
pub const KINDS: [Kind; 15] = [
    Kind {
        name: "settings",
        secret: false,
        fields: &[field("name", Form::Text), field("value", Form::Text)],
        select: "select name, value from meta
                 where name not in ('collation', 'epoch', 'search_below', 'search_words')
                 order by name",
        insert: "insert into meta (name, value) values ($1, $2)
                 on conflict (name) do update set value = excluded.value",
        rebuild: |row| {
            ensure(row.first().map(Value::text) != Some("epoch"), "epoch cannot be imported")
        },
    },
    Kind {
        name: "people",
        secret: false,
        fields: &[
            field("id", Form::Number),
            field("name", Form::Text),
            field("display_name", Form::Text),
            field("email", Form::Text),
            field("role", Form::Text),
            field("bot", Form::Flag),
            optional("avatar", Form::Text),
            field("created_at", Form::Time),
            optional("deactivated_at", Form::Time),
            optional("time_zone", Form::Text),
        ],
        select: "select id, name, display_name, email, role, bot, avatar, created_at,
                        deactivated_at, time_zone
                 from users order by id",
        // An empty hash matches no password.
        insert: "insert into users (id, name, display_name, email, role, bot, avatar, created_at,
                                    deactivated_at, time_zone, folded_name, skeleton, password_hash)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '')",
        rebuild: user,
    },
    Kind {
        name: "rooms",
        secret: false,
        fields: &[
            field("id", Form::Number),
            field("name", Form::Text),
            // For a direct message: the ids of its two users, as "3:17".
            optional("pair", Form::Text),
            field("topic", Form::Text),
            field("visibility", Form::Text),
            field("lobby", Form::Flag),
            optional("owner_id", Form::Number),
            field("last_seq", Form::Number),
            field("rev", Form::Number),
            field("created_at", Form::Time),
        ],
        select: "select id, name, case when visibility = 'direct' then folded_name end, topic,
                        visibility, lobby, owner_id, last_seq, rev, created_at
                 from rooms where id not in (select room_id from deleted_rooms) order by id",
        insert: "insert into rooms (id, name, folded_name, topic, visibility, lobby, owner_id,
                                    last_seq, rev, created_at)
                 values ($1, $2, coalesce($3, $11), $4, $5, $6, $7, $8, $9, $10)",
        rebuild: room,
    },
    Kind {
        name: "memberships",
        secret: false,
        fields: &[
            field("user_id", Form::Number),
            field("room_id", Form::Number),
            field("last_read_seq", Form::Number),
            field("joined_at", Form::Time),
        ],
        select: "select user_id, room_id, last_read_seq, joined_at from memberships
                 order by user_id, room_id",
        insert: "insert into memberships (user_id, room_id, last_read_seq, joined_at)
                 values ($1, $2, $3, $4)",
        rebuild: nothing,
    },
    Kind {
        name: "removals",
        secret: false,
        fields: &[
            field("room_id", Form::Number),
            field("user_id", Form::Number),
            field("removed_at", Form::Time),
        ],
        select: "select room_id, user_id, removed_at from removals order by room_id, user_id",
        insert: "insert into removals (room_id, user_id, removed_at) values ($1, $2, $3)",
        rebuild: nothing,
    },
    Kind {
        name: "messages",
        secret: false,
        fields: &[
            field("id", Form::Number),
            field("room_id", Form::Number),
            field("seq", Form::Number),
            field("rev", Form::Number),
            field("author_id", Form::Number),
            field("kind", Form::Text),
            field("body", Form::Text),
            optional("reply_to", Form::Number),
            field("created_at", Form::Time),
            optional("edited_at", Form::Time),
            optional("deleted_at", Form::Time),
            optional("deleted_by", Form::Text),
            // The handles of the mentioned users, separated by spaces.
            optional("mentions", Form::Text),
        ],
        select:
            "select id, pos >> 32, pos & 4294967295, change & 4294967295, author_id, kind, body,
                        reply_to, created_at, edited_at, deleted_at,
                        case when deleted_at is not null then coalesce(deleted_by, 'author') end,
                        (select string_agg(u.name, ' ' order by u.id)
                         from mentions n join users u on u.id = n.user_id where n.pos = messages.pos)
                 from messages where pos >> 32 not in (select room_id from deleted_rooms)
                 order by pos",
        insert:
            "insert into messages (id, pos, change, author_id, kind, body, reply_to, created_at,
                                       edited_at, deleted_at, deleted_by, html)
                 values ($1, ($2 << 32) + $3, ($2 << 32) + $4, $5, $6, $7, $8, $9, $10, $11, $12,
                         $13)",
        rebuild: message,
    },
    Kind {
        name: "mentions",
        secret: false,
        fields: &[field("message_id", Form::Number), field("user_id", Form::Number)],
        select: "select m.id, n.user_id from mentions n join messages m on m.pos = n.pos
                 where m.pos >> 32 not in (select room_id from deleted_rooms)
                 order by n.pos, n.user_id",
        insert: "insert into mentions (user_id, pos)
                 select $2, pos from messages where id = $1",
        rebuild: nothing,
    },
    Kind {
        name: "reactions",
        secret: false,
        fields: &[
            field("message_id", Form::Number),
            field("user_id", Form::Number),
            field("emoji", Form::Text),
            // The `rev` in the message's room; 0 for reactions from before it was stored.
            field("rev", Form::Number),
        ],
        select: "select message_id, user_id, emoji, rev & 4294967295 from reactions
                 where message_id in (select id from messages
                   where pos >> 32 not in (select room_id from deleted_rooms))
                 order by message_id, user_id, emoji",
        insert: "insert into reactions (message_id, user_id, emoji, rev)
                 select $1, $2, $3, case when $4 = 0 then 0 else (pos >> 32 << 32) + $4 end
                 from messages where id = $1",
        rebuild: nothing,
    },
    Kind {
        name: "audit",
        secret: false,
        fields: &[
            field("id", Form::Number),
            field("at", Form::Time),
            optional("actor_id", Form::Number),
            field("action", Form::Text),
            field("subject_kind", Form::Text),
            optional("subject_id", Form::Number),
            optional("subject_name", Form::Text),
            field("detail", Form::Text),
        ],
        select: "select id, at, actor_id, action, subject_kind, subject_id, subject_name, detail
                 from audit order by id",
        insert: "insert into audit (id, at, actor_id, action, subject_kind, subject_id,
                                    subject_name, detail)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
        rebuild: audit,
    },
    Kind {
        name: "passwords",
        secret: true,
        fields: &[field("user_id", Form::Number), field("hash", Form::Text)],
        select: "select id, password_hash from users where password_hash <> '' order by id",
        insert: "update users set password_hash = $2 where id = $1",
        rebuild: nothing,
    },
    Kind {
        name: "codes",
        secret: true,
        fields: &[field("room_id", Form::Number), field("code", Form::Text)],
        select: "select id, code from rooms where code is not null order by id",
        insert: "update rooms set code = $2 where id = $1",
        rebuild: |row| {
            let code = row.get(1).map_or("", Value::text);
            let valid = Code::parse(code).is_some_and(|parsed| parsed.as_str() == code);
            ensure(valid, "it is not a room code")
        },
    },
    Kind {
        name: "sessions",
        secret: true,
        fields: &[
            field("hash", Form::Bytes),
            field("user_id", Form::Number),
            field("agent", Form::Text),
            field("created_at", Form::Time),
            field("expires_at", Form::Time),
        ],
        select: "select hash, user_id, agent, created_at, expires_at from sessions order by hash",
        insert: "insert into sessions (hash, user_id, agent, created_at, expires_at)
                 values ($1, $2, $3, $4, $5)",
        rebuild: hashed,
    },
    Kind {
        name: "tokens",
        secret: true,
        fields: &[
            field("hash", Form::Bytes),
            field("user_id", Form::Number),
            field("label", Form::Text),
            field("created_at", Form::Time),
            optional("expires_at", Form::Time),
            optional("last_used_at", Form::Time),
        ],
        select: "select hash, user_id, label, created_at, expires_at, last_used_at from tokens
                 order by hash",
        insert: "insert into tokens (hash, user_id, label, created_at, expires_at, last_used_at)
                 values ($1, $2, $3, $4, $5, $6)",
        rebuild: hashed,
    },
    Kind {
        name: "resets",
        secret: true,
        fields: &[
            field("hash", Form::Bytes),
            field("user_id", Form::Number),
            field("expires_at", Form::Time),
            optional("made_by", Form::Number),
        ],
        select: "select hash, user_id, expires_at, made_by from resets order by hash",
        insert: "insert into resets (hash, user_id, expires_at, made_by) values ($1, $2, $3, $4)",
        rebuild: hashed,
    },
    Kind {
        name: "sends",
        secret: true,
        fields: &[
            field("nonce", Form::Text),
            field("author_id", Form::Number),
            field("message_id", Form::Number),
        ],
        select: "select nonce, author_id, message_id from sends
                 where message_id in (select id from messages
                   where pos >> 32 not in (select room_id from deleted_rooms))
                 order by nonce, author_id",
        insert: "insert into sends (nonce, author_id, message_id) values ($1, $2, $3)",
        rebuild: |row| {
            Nonce::parse(row.first().map_or("", Value::text)).map(drop).map_err(message_of)
        },
    },
];

fn ensure(valid: bool, error: &str) -> Result<(), String> {
    if valid { Ok(()) } else { Err(error.to_owned()) }
}

fn message_of(field_error: FieldError) -> String {
    format!("{}: {}", field_error.field, Language::English.complain(field_error))
}

/// The text must already be in the form that the parser returns.
fn exact(parsed: Result<&str, FieldError>, text: &str, field: &str) -> Result<(), String> {
    match parsed {
        Ok(parsed) if parsed == text => Ok(()),
        Ok(parsed) => Err(format!("{field} must be written as {parsed:?}")),
        Err(field_error) => Err(message_of(field_error)),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "has the type of `Rebuild`")]
fn nothing(_: &mut Row) -> Result<(), String> {
    Ok(())
}

fn hashed(row: &mut Row) -> Result<(), String> {
    let valid = matches!(row.first(), Some(Value::Bytes(hash)) if hash.len() == 32);
    ensure(valid, "hash is not a SHA-256")
}

fn user(row: &mut Row) -> Result<(), String> {
    let [id, name, display_name, email, _, _, avatar, ..] = row.as_slice() else {
        return Err("it has too few fields".to_owned());
    };
    ensure(id.number() > 0, "id is 0")?;
    let parsed = Handle::stored(name.text()).map_err(message_of)?;
    exact(Ok(parsed.as_str()), name.text(), "name")?;
    let display = DisplayName::stored(display_name.text());
    exact(
        display.as_ref().map(DisplayName::as_str).map_err(|e| *e),
        display_name.text(),
        "display_name",
    )?;
    let address = Email::parse(email.text());
    exact(address.as_ref().map(Email::as_str).map_err(|e| *e), email.text(), "email")?;
    // The value is used as a file name, so it must not contain a path.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let named = (1..=64).contains(&avatar.text().len()) && avatar.text().chars().all(plain);
    ensure(avatar.is_null() || named, "avatar is not the name of a picture")?;
    row.push(Value::Text(Some(parsed.folded())));
    row.push(Value::Text(Some(parsed.skeleton())));
    Ok(())
}

fn audit(row: &mut Row) -> Result<(), String> {
    let detail = row.last().map_or("", Value::text);
    let object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(detail);
    ensure(object.is_ok(), "detail is not a JSON object")
}

fn room(row: &mut Row) -> Result<(), String> {
    let [id, name, pair, topic, visibility, _, _, last_seq, rev, _] = row.as_slice() else {
        return Err("it has too few fields".to_owned());
    };
    ensure((1..1 << 31).contains(&id.number()), "id is not a room id")?;
    ensure(last_seq.number() < 1 << 32 && rev.number() < 1 << 32, "last_seq or rev is too large")?;
    let purpose = RoomTopic::stored(topic.text());
    exact(purpose.as_ref().map(RoomTopic::as_str).map_err(|e| *e), topic.text(), "topic")?;
    let folded = if visibility.text() == "direct" {
        let two = pair.text().split_once(':');
        let two = two.and_then(|(a, b)| Some((a.parse::<i64>().ok()?, b.parse::<i64>().ok()?)));
        let valid = two.is_some_and(|(a, b)| a <= b && format!("{a}:{b}") == pair.text());
        ensure(
            valid,
            "pair must be two ids, the smaller one first or both the same, for example \"3:17\"",
        )?;
        None
    } else {
        ensure(pair.is_null(), "pair is for direct messages only")?;
        let parsed = RoomName::stored(name.text());
        exact(parsed.as_ref().map(RoomName::as_str).map_err(|e| *e), name.text(), "name")?;
        parsed.ok().map(|name| name.folded())
    };
    row.push(Value::Text(folded));
    Ok(())
}

fn message(row: &mut Row) -> Result<(), String> {
    let [_, room, seq, rev, _, _, body, .., deleted_at, deleted_by, mentions] = row.as_slice()
    else {
        return Err("it has too few fields".to_owned());
    };
    ensure((1..1 << 31).contains(&room.number()), "room_id is not a room id")?;
    let counted = |value: &Value| (1..1 << 32).contains(&value.number());
    ensure(counted(seq) && counted(rev), "seq or rev is out of range")?;
    let html = if deleted_at.is_null() {
        let parsed = MessageBody::stored(body.text());
        exact(parsed.as_ref().map(MessageBody::as_str).map_err(|e| *e), body.text(), "body")?;
        let names = mentions.text().split_whitespace().map(Handle::stored);
        let names = names.collect::<Result<Vec<_>, _>>().map_err(message_of)?;
        let find = |folded: &str| names.iter().find(|name| name.folded() == folded);
        let known = |folded: &str| find(folded).map(|name| name.as_str().to_owned());
        render::stored(&render::render(body.text(), known), body.text()).to_owned()
    } else {
        ensure(body.text().is_empty(), "a deleted message has no body")?;
        let known = DeletedBy::from_column(deleted_by.text()).is_some();
        ensure(known || deleted_by.is_null(), "deleted_by is neither author nor moderator")?;
        String::new()
    };
    ensure(
        deleted_by.is_null() || !deleted_at.is_null(),
        "deleted_by is set, but deleted_at is not",
    )?;
    row.pop();
    row.push(Value::Text(Some(html)));
    Ok(())
}
