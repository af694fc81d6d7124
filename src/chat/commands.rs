//! Parses the text of the composer: a message, or a slash command in its new or old spelling.
//!
//! This module only parses; the caller executes the command.

use crate::text::normalize::folded;
use crate::text::visible::is_visible;

/// The result of parsing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A message to post.
    Text(String),
    Command(Command),
    /// A command without parameters was followed by text. Contains the command as spelled.
    Excess(String),
    /// A command that needs a user was given none.
    MissingUser(&'static Described),
    /// An unknown command, with the names of the most similar ones.
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
    /// The recipient and the text.
    Private(String, String),
    Exit,
    Topic(String),
    Invite(String),
    Kick(String),
    Me(String),
    /// A message with a shrug behind the text.
    Shrug(String),
    /// What the user does now: an emoji, a code or nothing, and the text; empty ends it.
    Status(String),
    /// The user is away, for this reason.
    Away(String),
    Pin,
    Thread,
    Help,
}

/// A command's name, and the keys of the texts for its parameter and its description.
pub type Described = (&'static str, &'static str, &'static str);

/// All commands. If text follows a command without parameters, it is refused: it is probably a sentence
/// that happens to begin like a command.
pub const COMMANDS: [Described; 18] = [
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
    ("/shrug", "text", "command-shrug"),
    ("/status", "emoji-and-text", "command-status"),
    ("/away", "text", "command-away"),
    ("/pin", "", "command-pin"),
    ("/thread", "", "command-thread"),
    ("/help", "", "command-help"),
];

/// The spellings of the programs that Patio replaces.
const OLD_SPELLINGS: [(&str, &str); 8] = [
    ("#cR", "/create"),
    ("#gR", "/join"),
    ("#eR", "/lobby"),
    ("#lR", "/rooms"),
    ("#IR", "/rooms"),
    ("#show users", "/users"),
    ("#/private", "/private"),
    ("#exit", "/exit"),
];

/// The minimum similarity (Jaro-Winkler) for a word to count as a typing error.
const MIN_SIMILARITY: f64 = 0.6;

pub fn parse(input: &str) -> Typed {
    let text = input.trim();
    if let Some(rest) = text.strip_prefix("//") {
        return Typed::Text(format!("/{rest}"));
    }
    let old = OLD_SPELLINGS.iter().find_map(|(old, name)| Some((*old, *name, after(text, old)?)));
    if let Some((spelled, name, rest)) = old {
        return parse_command(name, spelled, rest);
    }
    if !text.starts_with('/') {
        // Not a command: keep the indentation.
        return Typed::Text(input.to_owned());
    }
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    parse_command(&name.to_lowercase(), name, rest.trim())
}

/// The text after a word, if the text begins with it as a whole word.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(word)?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| rest.trim())
}

fn parse_command(name: &str, spelled: &str, rest: &str) -> Typed {
    let name = if name == "/msg" { "/private" } else { name };
    let Some(described) = COMMANDS.iter().find(|(known, ..)| *known == name) else {
        return Typed::Unknown { name: spelled.to_owned(), nearest: nearest_command(name) };
    };
    let (_, parameter, _) = described;
    let rest = if is_visible(rest) { rest } else { "" };
    if parameter.is_empty() && !rest.is_empty() {
        return Typed::Excess(spelled.to_owned());
    }
    let (first, more) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let named = |text: &str| text.trim_start_matches('@').to_owned();
    if parameter.starts_with("person") && !is_visible(&named(first)) {
        return Typed::MissingUser(described);
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
        "/shrug" => Command::Shrug(rest.to_owned()),
        "/status" => Command::Status(rest.to_owned()),
        "/away" => Command::Away(rest.to_owned()),
        "/pin" => Command::Pin,
        "/thread" => Command::Thread,
        _ => Command::Help,
    })
}

/// Suggestions for a misspelled command. A path, a fraction or a comment is not one: command names
/// consist of letters only.
fn nearest_command(name: &str) -> Vec<&'static str> {
    if !name.chars().skip(1).all(char::is_alphabetic) {
        return Vec::new();
    }
    let names = COMMANDS.iter().map(|(name, ..)| *name);
    nearest(name, names, |name| name)
}

/// The only item of a list whose name equals this word, ignoring accents (keyboards differ). `None` if
/// there are several: the program must not choose.
pub fn only_like<'a, T>(word: &str, all: &'a [T], name: impl Fn(&T) -> &str) -> Option<&'a T> {
    let word = folded(word.trim());
    let mut matching = all.iter().filter(|item| folded(name(item)) == word);
    matching.next().filter(|_| matching.next().is_none())
}

/// The three items of a list whose names are most similar to a word, the most similar first.
pub fn nearest<T>(word: &str, all: impl Iterator<Item = T>, name: impl Fn(&T) -> &str) -> Vec<T> {
    let word = word.to_lowercase();
    let similarity = |item: &T| strsim::jaro_winkler(&word, &name(item).to_lowercase());
    let mut similar: Vec<(f64, T)> = all
        .map(|item| (similarity(&item), item))
        .filter(|(like, _)| *like >= MIN_SIMILARITY)
        .collect();
    similar.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    similar.into_iter().take(3).map(|(_, item)| item).collect()
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
    fn old_and_new_spellings_mean_the_same() {
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

    /// All commands without parameters, in all spellings.
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
    fn a_command_without_parameters_is_refused_if_text_follows() {
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
        // Commands with a parameter accept it even if it looks like a command.
        command("/me /leave", Command::Me("/leave".to_owned()));
        command("/topic /help", Command::Topic("/help".to_owned()));
    }

    #[test]
    fn a_command_that_needs_a_user_is_refused_without_one() {
        for spelled in ["/private", "/msg", "#/private", "/invite", "/kick", "/KICK"] {
            for rest in ["", " ", " @", " @@", "\n", " \u{200b}", " @\u{2060}"] {
                let text = format!("{spelled}{rest}");
                assert!(matches!(parse(&text), Typed::MissingUser(_)), "{text:?}");
            }
            assert!(matches!(parse(&format!("{spelled} luis")), Typed::Command(_)), "{spelled}");
            assert!(matches!(parse(&format!("{spelled} @luis")), Typed::Command(_)), "{spelled}");
        }
    }

    #[test]
    fn an_invisible_topic_is_empty() {
        for rest in ["", "  ", "\n", " \u{200b}", " \u{ad}\u{2060}", " \u{3164}", " \u{2800}"] {
            command(&format!("/topic{rest}"), Command::Topic(String::new()));
        }
        command("/topic riego", Command::Topic("riego".to_owned()));
    }

    #[test]
    fn other_text_is_not_taken_for_a_misspelled_command() {
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
    fn an_unknown_command_suggests_the_nearest() {
        let Typed::Unknown { name, nearest } = parse("/craete Sistemas") else { panic!() };
        assert_eq!(name, "/craete");
        assert_eq!(nearest.first(), Some(&"/create"));
        assert!(matches!(parse("/"), Typed::Unknown { .. }));
    }
}
