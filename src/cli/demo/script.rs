//! The story of `patio demo`, read from `story.txt`: users, rooms and messages with their times.
//!
//! The format, by the beginning of a line:
//!
//! ```text
//! # a comment
//! + marta  Marta Ibáñez                a user who is online; with `-`, one who is offline
//! == lobby: TOPIC                      the next messages are in the lobby
//! == public marta, NAME: TOPIC         … in a room that Marta made, or `private`
//! == direct carlos, amina              … in a direct message of two users
//! & tom lena                           members of the room who post nothing
//! -- 3d 1h ago                         the time of the next message
//! -- in 20s                            … after the first visitor came
//! -- when spoken to                    … after a visitor wrote something here, once
//! marta: TEXT                          a message; the next ones follow at a human pace
//! | TEXT                               another line of the same message
//! ^ 👍 carlos luis                     users who reacted with an emoji
//! .. carlos luis                       users who have not read further
//! ```

use std::cmp::Reverse;
use std::time::Duration;

use anyhow::{Context, bail};

const TEXT: &str = include_str!("story.txt");

/// Time until the next message of the same user, and of another user.
const SAME_USER: Duration = Duration::from_secs(25);
const OTHER_USER: Duration = Duration::from_secs(70);
/// The same while a visitor watches, who would not wait that long.
const WATCHED: Duration = Duration::from_secs(4);

#[derive(Default)]
pub(super) struct Story {
    pub users: Vec<DemoUser>,
    pub rooms: Vec<Scene>,
}

pub(super) struct DemoUser {
    pub name: &'static str,
    pub display_name: &'static str,
    /// Whether the user is online.
    pub online: bool,
}

/// A room with its messages.
pub(super) struct Scene {
    pub kind: RoomKind,
    /// The members, the owner first.
    pub members: Vec<&'static str>,
    /// In the order of their times.
    pub lines: Vec<Line>,
    /// Users who have read only the first n messages.
    pub seen: Vec<(&'static str, usize)>,
}

pub(super) enum RoomKind {
    Lobby { topic: &'static str },
    Room { visibility: &'static str, name: &'static str, topic: &'static str },
    Direct,
}

#[derive(Clone)]
pub(super) struct Line {
    pub at: At,
    pub author: &'static str,
    /// As entered: `/me` makes an action.
    pub text: String,
    /// Users and the emoji they reacted with.
    pub reactions: Vec<(&'static str, &'static str)>,
}

/// When a message is posted. Ordered by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum At {
    /// Before the demo starts, by this much.
    Before(Reverse<Duration>),
    /// After the first visitor came, by this much.
    After(Duration),
    /// After a visitor wrote something in this room, by this much.
    Answer(Duration),
}

/// Parses the story.
///
/// # Errors
/// If the text is malformed. The error names the line.
pub(super) fn read() -> anyhow::Result<Story> {
    let mut story = Story::default();
    let mut now = None;
    for (n, line) in TEXT.lines().enumerate() {
        story.add(line.trim_end(), &mut now).with_context(|| format!("story.txt:{}", n + 1))?;
    }
    Ok(story)
}

impl Story {
    /// Parses one line. `now` is the time of the next message, if a line has set it.
    fn add(&mut self, line: &'static str, now: &mut Option<At>) -> anyhow::Result<()> {
        let parse_user = |text: &'static str, online| -> anyhow::Result<DemoUser> {
            let (name, rest) = text.split_once(' ').context("a name and a display name")?;
            Ok(DemoUser { name, display_name: rest.trim(), online })
        };
        if line.is_empty() || line.starts_with("# ") {
        } else if let Some(text) = line.strip_prefix("+ ") {
            self.users.push(parse_user(text, true)?);
        } else if let Some(text) = line.strip_prefix("- ") {
            self.users.push(parse_user(text, false)?);
        } else if let Some(text) = line.strip_prefix("== ") {
            self.rooms.push(Scene::open(text));
            *now = None;
        } else {
            let scene = self.rooms.last_mut().context("no room yet")?;
            if let Some(text) = line.strip_prefix("-- ") {
                *now = Some(At::parse(text)?);
            } else {
                scene.add(line, now)?;
            }
        }
        Ok(())
    }
}

impl Scene {
    fn open(text: &'static str) -> Self {
        let (head, topic) = text.split_once(": ").unwrap_or((text, ""));
        let (head, name) = head.split_once(", ").unwrap_or((head, ""));
        let (kind, members) = match head.split_once(' ').unwrap_or((head, "")) {
            ("lobby", _) => (RoomKind::Lobby { topic }, vec![]),
            ("direct", one) => (RoomKind::Direct, vec![one, name]),
            (visibility, owner) => (RoomKind::Room { visibility, name, topic }, vec![owner]),
        };
        Self { kind, members, lines: vec![], seen: vec![] }
    }

    fn add(&mut self, line: &'static str, now: &mut Option<At>) -> anyhow::Result<()> {
        if let Some(names) = line.strip_prefix("& ") {
            names.split(' ').for_each(|name| self.add_member(name));
        } else if let Some(names) = line.strip_prefix(".. ") {
            let count = self.lines.len();
            self.seen.extend(names.split(' ').map(|name| (name, count)));
        } else if let Some(text) = line.strip_prefix("^ ") {
            let (emoji, names) = text.split_once(' ').context("an emoji and names")?;
            let last = self.lines.last_mut().context("no message to react to")?;
            last.reactions.extend(names.split(' ').map(|name| (emoji, name)));
        } else if let Some(more) = line.strip_prefix('|') {
            let last = self.lines.last_mut().context("no message to continue")?;
            last.text.push('\n');
            last.text.push_str(more.strip_prefix(' ').unwrap_or(more));
        } else {
            let (author, text) = line.split_once(": ").context("a message: NAME: TEXT")?;
            let at = match (now.take(), self.lines.last()) {
                (Some(at), last) if last.is_none_or(|last| last.at < at) => at,
                (None, Some(last)) => last.at.next(last.author == author)?,
                _ => bail!("the time must be after the previous message"),
            };
            self.add_member(author);
            self.lines.push(Line { at, author, text: text.to_owned(), reactions: vec![] });
        }
        Ok(())
    }

    fn add_member(&mut self, name: &'static str) {
        if !self.members.contains(&name) {
            self.members.push(name);
        }
    }
}

impl At {
    fn parse(text: &str) -> anyhow::Result<Self> {
        if text == "when spoken to" {
            Ok(Self::Answer(WATCHED))
        } else if let Some(time) = text.strip_prefix("in ") {
            Ok(Self::After(duration(time)?))
        } else {
            let time =
                text.strip_suffix(" ago").context("when: `ago`, `in` or `when spoken to`")?;
            Ok(Self::Before(Reverse(duration(time)?)))
        }
    }

    /// The time of the next message, by the same or another user.
    fn next(self, same: bool) -> anyhow::Result<Self> {
        let pace = if same { SAME_USER } else { OTHER_USER };
        Ok(match self {
            Self::Before(Reverse(time)) => {
                let left = time.checked_sub(pace).context("that would be in the future")?;
                Self::Before(Reverse(left))
            }
            Self::After(time) => Self::After(time + WATCHED),
            Self::Answer(time) => Self::Answer(time + WATCHED),
        })
    }
}

/// Parses `3d 2h`, `25m` or `40s`.
fn duration(text: &str) -> anyhow::Result<Duration> {
    let part = |part: &str| {
        let units = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];
        let read = |(unit, seconds)| Some(part.strip_suffix(unit)?.parse::<u64>().ok()? * seconds);
        units.into_iter().find_map(read).with_context(|| format!("a time, not {part}"))
    };
    text.split(' ').map(part).sum::<anyhow::Result<u64>>().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_member_of_a_scene_is_a_user_of_the_story() {
        let story = read().expect("a story");
        let names: BTreeSet<_> = story.users.iter().map(|user| user.name).collect();
        assert_eq!(names.len(), story.users.len());
        for scene in &story.rooms {
            for name in scene.members.iter().chain(scene.seen.iter().map(|(name, _)| name)) {
                assert!(names.contains(name), "{name}");
            }
        }
    }

    #[test]
    fn message_times_advance_and_never_reach_the_future() {
        let before = |seconds| At::Before(Reverse(Duration::from_secs(seconds)));
        assert_eq!(At::parse("1d 2m ago").expect("a time"), before(86_520));
        assert_eq!(before(100).next(true).expect("earlier"), before(75));
        assert!(before(100).next(false).expect("earlier") > before(100));
        assert!(before(10).next(true).is_err());
        assert!(before(0) < At::After(Duration::ZERO));
    }
}
