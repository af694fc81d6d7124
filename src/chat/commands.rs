//! What somebody types into the composer: a message, or a command in its new or its old spelling.
//!
//! Understanding only; what a command does is done by the verbs.

/// What a text turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A message, as it is to be posted.
    Text(String),
    Command(Command),
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

/// The names of all commands, with what they take and the key of the text that says what they do.
pub const COMMANDS: [(&str, &str, &str); 13] = [
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

pub fn parse(text: &str) -> Typed {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("//") {
        return Typed::Text(format!("/{rest}"));
    }
    let old = OLD.iter().find_map(|(old, name)| Some((*name, after(text, old)?)));
    if let Some((name, rest)) = old {
        return understand(name, rest);
    }
    if !text.starts_with('/') {
        return Typed::Text(text.to_owned());
    }
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    understand(&name.to_lowercase(), rest.trim())
}

/// What follows a word, if the text begins with it as a whole word.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(word)?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| rest.trim())
}

fn understand(name: &str, rest: &str) -> Typed {
    let rest = rest.to_owned();
    Typed::Command(match name {
        "/create" => Command::Create(rest),
        "/join" => Command::Join(rest),
        "/lobby" => Command::Lobby,
        "/leave" => Command::Leave,
        "/rooms" => Command::Rooms,
        "/users" => Command::Users,
        "/private" | "/msg" => {
            let (who, what) = rest.split_once(char::is_whitespace).unwrap_or((&rest, ""));
            Command::Private(who.trim_start_matches('@').to_owned(), what.trim().to_owned())
        }
        "/exit" => Command::Exit,
        "/topic" => Command::Topic(rest),
        "/invite" => Command::Invite(rest.trim_start_matches('@').to_owned()),
        "/kick" => Command::Kick(rest.trim_start_matches('@').to_owned()),
        "/me" => Command::Me(rest),
        "/help" => Command::Help,
        _ => return Typed::Unknown { name: name.to_owned(), nearest: nearest_command(name) },
    })
}

fn nearest_command(name: &str) -> Vec<&'static str> {
    let names = COMMANDS.iter().map(|(name, ..)| *name);
    nearest(name, names, |name| name)
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
    }

    #[test]
    fn an_unknown_command_is_answered_with_the_nearest() {
        let Typed::Unknown { name, nearest } = parse("/craete Sistemas") else { panic!() };
        assert_eq!(name, "/craete");
        assert_eq!(nearest.first(), Some(&"/create"));
        assert!(matches!(parse("/"), Typed::Unknown { .. }));
    }
}
