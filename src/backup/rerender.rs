//! Renders the HTML of all messages again from their text.

use std::collections::HashMap;

use sqlx::{Connection, SqliteConnection};

use crate::chat::messages::model::Markup;
use crate::text::names::fold;
use crate::text::render::{self, Place};

/// Messages per query.
const BATCH: i64 = 500;

#[derive(sqlx::FromRow)]
struct StoredMessage {
    room_seq_key: i64,
    body: String,
    /// As the archive has it. Only the handles that it links and the emoji that it shows are believed: those in quotes are no mentions.
    html: String,
    markup: i64,
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
            "select room_seq_key, body, html, markup,
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
        let mentioned = self.mentioned.as_deref().unwrap_or_default().split_whitespace();
        let handles = mentioned.map(str::to_owned).chain(render::linked_handles(&self.html));
        let handles: HashMap<String, String> =
            handles.map(|handle| (fold(&handle), handle)).collect();
        let markup = Markup::try_from(self.markup).unwrap_or_default();
        let emoji: HashMap<String, String> = render::custom_emoji(&self.html).collect();
        let html = render::render(&self.body, markup, |name, place| {
            if place == Place::Code { emoji.get(name).cloned() } else { handles.get(name).cloned() }
        });
        render::stored(&html, &self.body).to_owned()
    }
}
