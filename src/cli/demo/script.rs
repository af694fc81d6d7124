//! The story that `patio demo` tells, read from `story.txt`: who lives there, which rooms there
//! are, and what was said in them when.
//!
//! The form of the text, by how a line begins:
//!
//! ```text
//! # a remark
//! + marta  Marta Ibáñez                somebody who is there; with `-` somebody who is not
//! == lobby: TOPIC                      what follows was said in the lobby
//! == public marta, NAME: TOPIC         … in a room that Marta made, or `private`
//! == direct carlos, amina              … by two people to each other
//! & tom lena                           they are in it too, and say nothing
//! -- 3d 1h ago                         when the next message was written
//! -- in 20s                            … after the first visitor came
//! -- when spoken to                    … after a visitor wrote something here, once
//! marta: TEXT                          a message; the next ones follow at the pace of people
//! | TEXT                               one more line of the same message
//! ^ 👍 carlos luis                     who answered it with an emoji
//! .. carlos luis                       they have not looked since
//! ```

use std::cmp::Reverse;
use std::time::Duration;

use anyhow::{Context, bail};

const TEXT: &str = include_str!("story.txt");

/// From one message to the next: of the same person, and of another.
const GOES_ON: Duration = Duration::from_secs(25);
const ANSWERS: Duration = Duration::from_secs(70);
/// The same while a visitor looks on, who would not wait so long.
const SOON: Duration = Duration::from_secs(4);

#[derive(Default)]
pub(super) struct Story {
    pub people: Vec<DemoUser>,
    pub rooms: Vec<Scene>,
}

pub(super) struct DemoUser {
    pub name: &'static str,
    pub display_name: &'static str,
    /// Whether they are online.
    pub here: bool,
}

/// A room and what is said in it.
pub(super) struct Scene {
    pub place: Place,
    /// Who is in it, its owner first.
    pub members: Vec<&'static str>,
    /// In the order in which it is said.
    pub lines: Vec<Line>,
    /// Who has seen the first so many messages and no more.
    pub seen: Vec<(&'static str, usize)>,
}

pub(super) enum Place {
    Lobby { topic: &'static str },
    Room { visibility: &'static str, name: &'static str, topic: &'static str },
    Direct,
}

#[derive(Clone)]
pub(super) struct Line {
    pub at: At,
    pub author: &'static str,
    /// As one types it: `/me` makes an action.
    pub text: String,
    /// Who answered it with which emoji.
    pub reactions: Vec<(&'static str, &'static str)>,
}

/// When a line is said, in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum At {
    /// So long before the demo starts; more comes first.
    Before(Reverse<Duration>),
    /// So long after the first visitor came.
    After(Duration),
    /// So long after a visitor wrote something in this room.
    Answer(Duration),
}

/// Reads the story.
///
/// # Errors
/// When the text has another form; says in which line.
pub(super) fn read() -> anyhow::Result<Story> {
    let mut story = Story::default();
    let mut now = None;
    for (n, line) in TEXT.lines().enumerate() {
        story.add(line.trim_end(), &mut now).with_context(|| format!("story.txt:{}", n + 1))?;
    }
    Ok(story)
}

impl Story {
    /// Understands one line. `now` is when the next message is written, if that was said.
    fn add(&mut self, line: &'static str, now: &mut Option<At>) -> anyhow::Result<()> {
        let somebody = |text: &'static str, here| -> anyhow::Result<DemoUser> {
            let (name, rest) = text.split_once(' ').context("a name and a display name")?;
            Ok(DemoUser { name, display_name: rest.trim(), here })
        };
        if line.is_empty() || line.starts_with("# ") {
        } else if let Some(text) = line.strip_prefix("+ ") {
            self.people.push(somebody(text, true)?);
        } else if let Some(text) = line.strip_prefix("- ") {
            self.people.push(somebody(text, false)?);
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
        let (place, members) = match head.split_once(' ').unwrap_or((head, "")) {
            ("lobby", _) => (Place::Lobby { topic }, vec![]),
            ("direct", one) => (Place::Direct, vec![one, name]),
            (visibility, owner) => (Place::Room { visibility, name, topic }, vec![owner]),
        };
        Self { place, members, lines: vec![], seen: vec![] }
    }

    fn add(&mut self, line: &'static str, now: &mut Option<At>) -> anyhow::Result<()> {
        if let Some(names) = line.strip_prefix("& ") {
            names.split(' ').for_each(|name| self.enter(name));
        } else if let Some(names) = line.strip_prefix(".. ") {
            let said = self.lines.len();
            self.seen.extend(names.split(' ').map(|name| (name, said)));
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
                _ => bail!("when? After what was said before"),
            };
            self.enter(author);
            self.lines.push(Line { at, author, text: text.to_owned(), reactions: vec![] });
        }
        Ok(())
    }

    fn enter(&mut self, name: &'static str) {
        if !self.members.contains(&name) {
            self.members.push(name);
        }
    }
}

impl At {
    fn parse(text: &str) -> anyhow::Result<Self> {
        if text == "when spoken to" {
            Ok(Self::Answer(SOON))
        } else if let Some(time) = text.strip_prefix("in ") {
            Ok(Self::After(duration(time)?))
        } else {
            let time =
                text.strip_suffix(" ago").context("when: `ago`, `in` or `when spoken to`")?;
            Ok(Self::Before(Reverse(duration(time)?)))
        }
    }

    /// When the same or another person goes on.
    fn next(self, same: bool) -> anyhow::Result<Self> {
        let pace = if same { GOES_ON } else { ANSWERS };
        Ok(match self {
            Self::Before(Reverse(time)) => {
                let left = time.checked_sub(pace).context("that would be in the future")?;
                Self::Before(Reverse(left))
            }
            Self::After(time) => Self::After(time + SOON),
            Self::Answer(time) => Self::Answer(time + SOON),
        })
    }
}

/// As `3d 2h`, `25m`, `40s`.
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
    fn the_story_can_be_read_and_everybody_in_it_has_a_name() {
        let story = read().expect("a story");
        let people: BTreeSet<_> = story.people.iter().map(|somebody| somebody.name).collect();
        assert_eq!(people.len(), story.people.len());
        for scene in &story.rooms {
            for name in scene.members.iter().chain(scene.seen.iter().map(|(name, _)| name)) {
                assert!(people.contains(name), "{name}");
            }
        }
    }

    #[test]
    fn people_go_on_at_their_pace_and_never_into_the_future() {
        let before = |seconds| At::Before(Reverse(Duration::from_secs(seconds)));
        assert_eq!(At::parse("1d 2m ago").expect("a time"), before(86_520));
        assert_eq!(before(100).next(true).expect("earlier"), before(75));
        assert!(before(100).next(false).expect("earlier") > before(100));
        assert!(before(10).next(true).is_err());
        assert!(before(0) < At::After(Duration::ZERO));
    }
}
