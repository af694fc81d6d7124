//! The HTML of messages, made anew from what their authors wrote.

use std::collections::HashMap;

use sqlx::{Connection, SqliteConnection};

use crate::chat::messages::render;
use crate::text::names::fold;

/// Messages that are read at a time.
const BATCH: i64 = 500;

#[derive(sqlx::FromRow)]
struct Written {
    pos: i64,
    body: String,
    html: String,
    /// The names of those who are mentioned, with spaces between them.
    mentioned: Option<String>,
}

/// Makes it anew for every message of a copy from elsewhere: pages show what is stored as it is, and
/// whoever made that copy could have put a script there.
pub async fn rerender_messages(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut change = connection.begin().await?;
    let mut last = 0;
    loop {
        let messages: Vec<Written> = sqlx::query_as(
            "select pos, body, html,
                    (select group_concat(u.name, ' ')
                     from mentions n join users u on u.id = n.user_id
                     where n.pos = messages.pos) as mentioned
             from messages where pos > $1 order by pos limit $2",
        )
        .bind(last)
        .bind(BATCH)
        .fetch_all(&mut *change)
        .await?;
        let Some(newest) = messages.last() else { break };
        last = newest.pos;
        for message in &messages {
            let html = message.rendered();
            if html != message.html {
                sqlx::query("update messages set html = $2 where pos = $1")
                    .bind(message.pos)
                    .bind(html)
                    .execute(&mut *change)
                    .await?;
            }
        }
    }
    change.commit().await
}

impl Written {
    fn rendered(&self) -> String {
        let names = self.mentioned.as_deref().unwrap_or_default().split_whitespace();
        let names: HashMap<String, &str> = names.map(|name| (fold(name), name)).collect();
        let known = |sought: &str| names.get(sought).map(|name| (*name).to_owned());
        render::stored(&render::render(&self.body, known), &self.body).to_owned()
    }
}
