//! Renders the HTML of all messages again from their text.

use std::collections::HashMap;

use sqlx::{Connection, SqliteConnection};

use crate::chat::messages::render;
use crate::text::names::fold;

/// Messages per query.
const BATCH: i64 = 500;

#[derive(sqlx::FromRow)]
struct StoredMessage {
    room_seq_key: i64,
    body: String,
    html: String,
    /// The handles of mentioned users, separated by spaces.
    mentioned: Option<String>,
}

/// Renders every message of a restored database. Pages show the stored HTML unescaped, so an
/// attacker who created the archive could have put a script into it.
pub async fn rerender_messages(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let mut last = 0;
    loop {
        let messages: Vec<StoredMessage> = sqlx::query_as(
            "select room_seq_key, body, html,
                    (select group_concat(u.name, ' ')
                     from mentions n join users u on u.id = n.user_id
                     where n.room_seq_key = messages.room_seq_key) as mentioned
             from messages where room_seq_key > $1 order by room_seq_key limit $2",
        )
        .bind(last)
        .bind(BATCH)
        .fetch_all(&mut *transaction)
        .await?;
        let Some(newest) = messages.last() else { break };
        last = newest.room_seq_key;
        for message in &messages {
            let html = message.render();
            if html != message.html {
                sqlx::query("update messages set html = $2 where room_seq_key = $1")
                    .bind(message.room_seq_key)
                    .bind(html)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
    }
    transaction.commit().await
}

impl StoredMessage {
    fn render(&self) -> String {
        let names = self.mentioned.as_deref().unwrap_or_default().split_whitespace();
        let names: HashMap<String, &str> = names.map(|name| (fold(name), name)).collect();
        let resolve = |folded: &str| names.get(folded).map(|name| (*name).to_owned());
        render::stored(&render::render(&self.body, resolve), &self.body).to_owned()
    }
}
