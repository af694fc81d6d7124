//! How each server is spoken to: coming in, posting, and what its frames look like.

use memchr::memmem::find;

use crate::frames::{self, Framing, Kind, TEXT};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Dialect {
    /// `patio.v1` frames over a WebSocket, signed in by a token, with one room open.
    Patio,
    /// A WebSocket whose path names the room; what is sent comes back to all as it is.
    Plain,
    /// Lines over TCP, the first of which names the room (`src/bin/bare.rs`).
    Bare,
    Irc,
    /// Multi-user chat over XMPP, signed in anonymously.
    Xmpp,
}

/// One connection's place: who it is and where it sits.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    pub number: usize,
    /// From 0, as in a stamp.
    pub room: u16,
    /// From 0; the token of the person is `bench-token-` and this number.
    pub person: usize,
    /// The room's id at the server.
    pub room_id: u64,
    /// For who comes back.
    pub since: Option<Since>,
    /// Whether it opens its room at all.
    pub opens: bool,
}

/// What somebody who was here before says of it.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    /// The last change it has seen in its room.
    pub rev: u64,
    /// When it was here, in RFC 3339: pages ask what became of people and rooms.
    pub at: &'static str,
}

/// What a newcomer does next.
#[derive(Debug)]
pub enum Door {
    Wait,
    /// So much of what was heard is done with; says this.
    Say(usize, Vec<u8>),
    /// So much was about something else.
    Skip(usize),
    /// A message it had missed, with its rev.
    Missed(usize, u64),
    Inside(usize),
    Refused(String),
}

const STREAM: &str = "<stream:stream to='localhost' xmlns='jabber:client' \
     xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

impl Dialect {
    pub fn framing(self) -> Framing {
        match self {
            Self::Patio | Self::Plain => Framing::WebSocket,
            Self::Bare | Self::Irc => Framing::EndsWith("\n"),
            Self::Xmpp => Framing::EndsWith("</message>"),
        }
    }

    /// Whether a sender gets its own message too.
    pub fn hears_itself(self) -> bool {
        self != Self::Irc
    }

    /// The first words.
    pub fn knock(self, seat: &Seat) -> Vec<u8> {
        match self {
            Self::Patio => handshake(
                &seat.since.map_or("/api/v1/live".to_owned(), |since| {
                    format!("/api/v1/live?since={}", since.at)
                }),
                &format!(
                    "Authorization: Bearer bench-token-{}\r\nSec-WebSocket-Protocol: patio.v1\r\n",
                    seat.person
                ),
            ),
            Self::Plain => handshake(&format!("/room{}", seat.room), ""),
            // Nobody has to be asked: the line says it all.
            Self::Bare => format!("{}\n", seat.room).into_bytes(),
            Self::Irc => {
                let nick = seat.number;
                format!("NICK u{nick}\r\nUSER u{nick} 0 * :u{nick}\r\n").into_bytes()
            }
            Self::Xmpp => STREAM.into(),
        }
    }

    /// What to do at a step of coming in, having heard this.
    pub fn enter(self, seat: &Seat, step: u8, heard: &[u8]) -> Door {
        match (self, step) {
            (Self::Bare, _) => line(heard, "\n", Door::Inside),
            (Self::Plain, _) => upgraded(heard, Door::Inside),
            (Self::Patio, 0) if seat.opens => upgraded(heard, |used| {
                let since = seat.since.map(|since| format!(r#","since_rev":{}"#, since.rev));
                let open = format!(
                    r#"{{"type":"open","room":{}{}}}"#,
                    seat.room_id,
                    since.unwrap_or_default()
                );
                Door::Say(used, frames::websocket(TEXT, open.as_bytes()))
            }),
            (Self::Patio, 0) => upgraded(heard, Door::Skip),
            (Self::Patio, _) => greeted(seat, heard),
            (Self::Irc, 0) => line(heard, " 001 ", |used| {
                Door::Say(used, format!("JOIN #r{}\r\n", seat.room).into_bytes())
            }),
            (Self::Irc, _) => line(heard, " 366 ", Door::Inside),
            (Self::Xmpp, step) => enter_xmpp(seat, step, heard),
        }
    }

    /// A message, as the sender in this seat writes it.
    pub fn post(self, seat: &Seat, body: &str, nonce: &str) -> Vec<u8> {
        match self {
            Self::Patio => {
                let room = seat.room_id;
                let frame =
                    format!(r#"{{"type":"post","room":{room},"body":"{body}","nonce":"{nonce}"}}"#);
                frames::websocket(TEXT, frame.as_bytes())
            }
            Self::Plain => frames::websocket(TEXT, body.as_bytes()),
            Self::Bare => format!("{body}\n").into_bytes(),
            Self::Irc => format!("PRIVMSG #r{} :{body}\r\n", seat.room).into_bytes(),
            Self::Xmpp => format!(
                "<message to='r{}@conference.localhost' type='groupchat'>\
                 <body>{body}</body></message>",
                seat.room
            )
            .into_bytes(),
        }
    }

    /// The nonce of an own message that a frame says is stored.
    pub fn stored(self, frame: &[u8]) -> Option<&[u8]> {
        const NONCE: &[u8] = br#""nonce":""#;
        if self != Self::Patio || !frame.starts_with(br#"{"type":"posted""#) {
            return None;
        }
        let rest = frame.get(find(frame, NONCE)? + NONCE.len()..)?;
        rest.get(..find(rest, b"\"")?)
    }
}

fn handshake(path: &str, headers: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: d3Nsb2FkIG1lYXN1cmVzIQ==\r\n{headers}\r\n"
    )
    .into_bytes()
}

/// Goes on after the head of the answer, if it is 101.
fn upgraded(heard: &[u8], next: impl FnOnce(usize) -> Door) -> Door {
    match find(heard, b"\r\n\r\n") {
        None => Door::Wait,
        Some(end) if heard.starts_with(b"HTTP/1.1 101") => next(end + 4),
        Some(end) => Door::Refused(String::from_utf8_lossy(&heard[..end.min(80)]).into_owned()),
    }
}

/// Goes on after a line, or the like, that holds this.
fn line(heard: &[u8], wanted: &str, next: impl FnOnce(usize) -> Door) -> Door {
    let Some(at) = find(heard, wanted.as_bytes()) else { return Door::Wait };
    match find(&heard[at..], b"\n") {
        Some(end) => next(at + end + 1),
        None => Door::Wait,
    }
}

/// Patio's frames from `ready` to `live`; who opens nothing is inside at `ready`.
fn greeted(seat: &Seat, heard: &[u8]) -> Door {
    let Some(found) = Framing::WebSocket.first(heard) else { return Door::Wait };
    let frame = &heard[found.payload];
    match found.kind {
        Kind::Ping => Door::Say(found.end, frames::websocket(frames::PONG, frame)),
        Kind::Close => Door::Refused("closed while coming in".to_owned()),
        Kind::Data if is(frame, "live") || (!seat.opens && is(frame, "ready")) => {
            Door::Inside(found.end)
        }
        Kind::Data if is(frame, "message") => Door::Missed(found.end, rev(frame)),
        Kind::Data if is(frame, "error") || is(frame, "resync") => {
            Door::Refused(String::from_utf8_lossy(frame).into_owned())
        }
        _ => Door::Skip(found.end),
    }
}

fn is(frame: &[u8], kind: &str) -> bool {
    let rest = frame.strip_prefix(br#"{"type":""#).unwrap_or_default();
    rest.strip_prefix(kind.as_bytes()).is_some_and(|rest| rest.starts_with(b"\""))
}

fn rev(frame: &[u8]) -> u64 {
    let Some(at) = find(frame, br#""rev":"#) else { return 0 };
    let digits = frame[at + 6..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

fn enter_xmpp(seat: &Seat, step: u8, heard: &[u8]) -> Door {
    let after = |wanted: &str, say: String| match find(heard, wanted.as_bytes()) {
        Some(at) => Door::Say(at + wanted.len(), say.into_bytes()),
        None => Door::Wait,
    };
    match step {
        0 => after(
            "</stream:features>",
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>".to_owned(),
        ),
        1 => after("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", STREAM.to_owned()),
        2 => after(
            "</stream:features>",
            "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
                .to_owned(),
        ),
        3 => after(
            "</iq>",
            format!(
                "<presence to='r{}@conference.localhost/u{}'>\
                 <x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>",
                seat.room, seat.number
            ),
        ),
        // The room's subject ends the entrance.
        _ => match find(heard, b"<subject") {
            Some(at) => match find(&heard[at..], b"</message>") {
                Some(end) => Door::Inside(at + end + "</message>".len()),
                None => Door::Wait,
            },
            None => Door::Wait,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SINCE: Since = Since { rev: 41, at: "2026-11-25T09:05:00.000Z" };
    const SEAT: Seat =
        Seat { number: 7, room: 3, person: 5, room_id: 9, since: Some(SINCE), opens: true };

    fn sent(text: &str) -> Vec<u8> {
        let mut frame = frames::websocket(TEXT, text.as_bytes());
        frame[1] &= 0x7f;
        let head = frame.len() - text.len();
        frame.drain(head - 4..head);
        frame
    }

    #[test]
    fn a_patio_client_says_when_it_was_here_before() {
        let first = Seat { since: None, ..SEAT };
        for (seat, wanted) in
            [(first, "/live HTTP"), (SEAT, "/live?since=2026-11-25T09:05:00.000Z HTTP")]
        {
            let knock = String::from_utf8(Dialect::Patio.knock(&seat)).expect("text");
            assert!(knock.contains(wanted), "{knock}");
        }
    }

    #[test]
    fn a_patio_client_opens_its_room_counts_what_it_missed_and_is_inside_when_live() {
        let door = Dialect::Patio.enter(&SEAT, 0, b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
        let Door::Say(_, bytes) = door else { panic!("{door:?}") };
        assert!(bytes.ends_with(br#"{"type":"open","room":9,"since_rev":41}"#));
        for (frame, wanted) in [
            (r#"{"type":"opened","room":9,"rev":57}"#, "Skip"),
            (r#"{"type":"message","room":9,"rev":42,"message":{}}"#, "Missed(51, 42)"),
            (r#"{"type":"live","room":9,"rev":57}"#, "Inside"),
            (r#"{"type":"resync","room":9}"#, "Refused"),
        ] {
            let door = format!("{:?}", Dialect::Patio.enter(&SEAT, 1, &sent(frame)));
            assert!(door.starts_with(wanted), "{frame}: {door}");
        }
    }

    #[test]
    fn a_refused_handshake_is_told() {
        let door = Dialect::Patio.enter(&SEAT, 0, b"HTTP/1.1 401 Unauthorized\r\n\r\n");
        assert!(matches!(door, Door::Refused(text) if text.contains("401")));
    }

    #[test]
    fn only_an_answer_to_a_post_says_that_it_is_stored() {
        let posted = br#"{"type":"posted","nonce":"abc","room":1,"id":9}"#;
        assert_eq!(Dialect::Patio.stored(posted), Some(b"abc".as_slice()));
        assert_eq!(Dialect::Patio.stored(br#"{"type":"message","nonce":"abc"}"#), None);
        assert_eq!(Dialect::Plain.stored(posted), None);
    }
}
