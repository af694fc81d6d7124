//! What somebody types into the composer: a message, or a command in its new or its old spelling.
//!
//! Understanding only; what a command does is done by the verbs.

use crate::text::normalize::folded;
use crate::text::visible::is_visible;

/// What a text turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A message, as it is to be posted.
    Text(String),
    Command(Command),
    /// A command that takes nothing, with more behind it: as it was spelled.
    Excess(String),
    /// A command that takes a person, without one.
    Nobody(&'static Described),
    /// A command's name that is none, with those that come nearest.
    Unknown {
        name: String,
        nearest: Vec<&'static str>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Create(String),
    Join(String),
    Lobby,
    Leave,
    Rooms,
    Users,
    /// To whom, and what.
    Private(String, String),
    Exit,
    Topic(String),
    Invite(String),
    Kick(String),
    Me(String),
    Help,
}

/// A command's name, with the keys of the texts that say what it takes and what it does.
pub type Described = (&'static str, &'static str, &'static str);

/// All commands. One without anything to take is refused where more stands behind it: that is a sentence
/// which happens to begin like a command.
pub const COMMANDS: [Described; 13] = [
    ("/create", "name", "command-create"),
    ("/join", "name-or-code", "command-join"),
    ("/lobby", "", "command-lobby"),
    ("/leave", "", "command-leave"),
    ("/rooms", "", "command-rooms"),
    ("/users", "", "command-users"),
    ("/private", "person-and-text", "command-private"),
    ("/exit", "", "command-exit"),
    ("/topic", "text", "command-topic"),
    ("/invite", "person", "command-invite"),
    ("/kick", "person", "command-kick"),
    ("/me", "text", "command-me"),
    ("/help", "", "command-help"),
];

/// The spellings of the programs that Patio grew out of.
const OLD: [(&str, &str); 8] = [
    ("#cR", "/create"),
    ("#gR", "/join"),
    ("#eR", "/lobby"),
    ("#lR", "/rooms"),
    ("#IR", "/rooms"),
    ("#show users", "/users"),
    ("#/private", "/private"),
    ("#exit", "/exit"),
];

/// How far a word may be from a command's name to be taken for a slip of the finger.
const NEAR: f64 = 0.6;

pub fn parse(whole: &str) -> Typed {
    let text = whole.trim();
    if let Some(rest) = text.strip_prefix("//") {
        return Typed::Text(format!("/{rest}"));
    }
    let old = OLD.iter().find_map(|(old, name)| Some((*old, *name, after(text, old)?)));
    if let Some((spelled, name, rest)) = old {
        return understand(name, spelled, rest);
    }
    if !text.starts_with('/') {
        // Its indentation belongs to it.
        return Typed::Text(whole.to_owned());
    }
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    understand(&name.to_lowercase(), name, rest.trim())
}

/// What follows a word, if the text begins with it as a whole word.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(word)?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| rest.trim())
}

fn understand(name: &str, spelled: &str, rest: &str) -> Typed {
    let name = if name == "/msg" { "/private" } else { name };
    let Some(described) = COMMANDS.iter().find(|(known, ..)| *known == name) else {
        return Typed::Unknown { name: spelled.to_owned(), nearest: nearest_command(name) };
    };
    let (_, takes, _) = described;
    let rest = if is_visible(rest) { rest } else { "" };
    if takes.is_empty() && !rest.is_empty() {
        return Typed::Excess(spelled.to_owned());
    }
    let (first, more) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let named = |text: &str| text.trim_start_matches('@').to_owned();
    if takes.starts_with("person") && !is_visible(&named(first)) {
        return Typed::Nobody(described);
    }
    Typed::Command(match name {
        "/create" => Command::Create(rest.to_owned()),
        "/join" => Command::Join(rest.to_owned()),
        "/lobby" => Command::Lobby,
        "/leave" => Command::Leave,
        "/rooms" => Command::Rooms,
        "/users" => Command::Users,
        "/private" => Command::Private(named(first), more.trim().to_owned()),
        "/exit" => Command::Exit,
        "/topic" => Command::Topic(rest.to_owned()),
        "/invite" => Command::Invite(named(rest)),
        "/kick" => Command::Kick(named(rest)),
        "/me" => Command::Me(rest.to_owned()),
        _ => Command::Help,
    })
}

/// A path, a fraction or a comment is no slip of the finger: a command's name has letters alone.
fn nearest_command(name: &str) -> Vec<&'static str> {
    if !name.chars().skip(1).all(char::is_alphabetic) {
        return Vec::new();
    }
    let names = COMMANDS.iter().map(|(name, ..)| *name);
    nearest(name, names, |name| name)
}

/// The one of a list whose name is this word without accents, as other keyboards write it. Of several
/// none: it is not for the program to choose.
pub fn only_like<'a, T>(word: &str, all: &'a [T], name: impl Fn(&T) -> &str) -> Option<&'a T> {
    let word = folded(word.trim());
    let mut like = all.iter().filter(|item| folded(name(item)) == word);
    like.next().filter(|_| like.next().is_none())
}

/// The three of a list whose names are most like a word, the likest first.
pub fn nearest<T>(word: &str, all: impl Iterator<Item = T>, name: impl Fn(&T) -> &str) -> Vec<T> {
    let word = word.to_lowercase();
    let likeness = |item: &T| strsim::jaro_winkler(&word, &name(item).to_lowercase());
    let mut near: Vec<(f64, T)> =
        all.map(|item| (likeness(&item), item)).filter(|(like, _)| *like >= NEAR).collect();
    near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    near.into_iter().take(3).map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn command(text: &str, command: Command) {
        assert_eq!(parse(text), Typed::Command(command), "{text}");
    }

    #[track_caller]
    fn text(text: &str, posted: &str) {
        assert_eq!(parse(text), Typed::Text(posted.to_owned()), "{text}");
    }

    #[test]
    fn both_spellings_mean_the_same() {
        command("/create Sistemas", Command::Create("Sistemas".to_owned()));
        command("#cR Sistemas", Command::Create("Sistemas".to_owned()));
        command("/join  La sala grande ", Command::Join("La sala grande".to_owned()));
        command("#gR La sala grande", Command::Join("La sala grande".to_owned()));
        command("/LOBBY", Command::Lobby);
        command("#eR", Command::Lobby);
        command("#lR", Command::Rooms);
        command("#IR", Command::Rooms);
        command("#show users", Command::Users);
        command("#exit", Command::Exit);
        for spelling in
            ["/private luis hola qué tal", "/msg @luis hola qué tal", "#/private luis hola qué tal"]
        {
            command(spelling, Command::Private("luis".to_owned(), "hola qué tal".to_owned()));
        }
    }

    #[test]
    fn everything_else_with_a_hash_is_a_message() {
        for message in ["#huerto", "#crear sala", "#cRx", "#show usersx", "#exits", "#", "#Exit"] {
            text(message, message);
        }
    }

    #[test]
    fn two_slashes_send_one() {
        text("//create is a command", "/create is a command");
        text("a /create", "a /create");
        text("    indented", "    indented");
    }

    /// All that takes nothing, in all spellings.
    const BARE: [&str; 12] = [
        "/lobby",
        "/leave",
        "/rooms",
        "/users",
        "/exit",
        "/help",
        "/LEAVE",
        "#eR",
        "#lR",
        "#IR",
        "#show users",
        "#exit",
    ];

    #[test]
    fn what_takes_nothing_is_not_carried_out_with_more_behind_it() {
        for spelled in BARE {
            assert!(matches!(parse(spelled), Typed::Command(_)), "{spelled}");
            assert!(matches!(parse(&format!(" {spelled} \n\u{200b}")), Typed::Command(_)));
            for between in [" ", "\n", "\t", "\u{a0}", "\u{3000}", "  \n "] {
                for more in ["me alone, please", "x", ".", "@ana", "/leave", "😀"] {
                    let text = format!("{spelled}{between}{more}");
                    assert_eq!(parse(&text), Typed::Excess(spelled.to_owned()), "{text:?}");
                }
            }
        }
        // Those that take something take it, also where it looks like a command.
        command("/me /leave", Command::Me("/leave".to_owned()));
        command("/topic /help", Command::Topic("/help".to_owned()));
    }

    #[test]
    fn a_command_for_a_person_says_so_where_there_is_none() {
        for spelled in ["/private", "/msg", "#/private", "/invite", "/kick", "/KICK"] {
            for rest in ["", " ", " @", " @@", "\n", " \u{200b}", " @\u{2060}"] {
                let text = format!("{spelled}{rest}");
                assert!(matches!(parse(&text), Typed::Nobody(_)), "{text:?}");
            }
            assert!(matches!(parse(&format!("{spelled} luis")), Typed::Command(_)), "{spelled}");
            assert!(matches!(parse(&format!("{spelled} @luis")), Typed::Command(_)), "{spelled}");
        }
    }

    #[test]
    fn a_topic_of_nothing_that_can_be_seen_is_none() {
        for rest in ["", "  ", "\n", " \u{200b}", " \u{ad}\u{2060}", " \u{3164}", " \u{2800}"] {
            command(&format!("/topic{rest}"), Command::Topic(String::new()));
        }
        command("/topic riego", Command::Topic("riego".to_owned()));
    }

    #[test]
    fn what_is_no_slip_of_a_command_is_taken_for_none() {
        for text in [
            "/etc/hosts is the file",
            "/1/2 cup",
            "/* a comment */",
            "/me/too",
            "/exit/now",
            "/help.html",
            "/leave-me",
            "/leave, please",
            "/3",
            "/-_-/",
        ] {
            let Typed::Unknown { name, nearest } = parse(text) else { panic!("{text}") };
            assert!(text.starts_with(&name) && nearest.is_empty(), "{text}: {nearest:?}");
        }
    }

    #[test]
    fn an_unknown_command_is_answered_with_the_nearest() {
        let Typed::Unknown { name, nearest } = parse("/craete Sistemas") else { panic!() };
        assert_eq!(name, "/craete");
        assert_eq!(nearest.first(), Some(&"/create"));
        assert!(matches!(parse("/"), Typed::Unknown { .. }));
    }
}
