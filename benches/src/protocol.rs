//! The protocol of each server: handshake, posts and frames.

use memchr::memmem::find;

use crate::frames::{self, Framing, Kind, TEXT};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Protocol {
    /// `patio.v1` frames over a WebSocket, with a token and one open room.
    Patio,
    /// A WebSocket whose path names the room. The server sends every message unchanged to all.
    Plain,
    /// Lines over TCP. The first one names the room (`src/bin/bare.rs`).
    Bare,
    Irc,
    /// Multi-user chat over XMPP, with anonymous sign-in.
    Xmpp,
}

/// The user and room of one connection.
#[derive(Clone, Copy, Debug)]
pub struct ClientSpec {
    pub number: usize,
    /// The room's index from 0, as in a stamp.
    pub room: u16,
    /// From 0. The user's token is `bench-token-` and this number.
    pub user: usize,
    /// The room's id on the server.
    pub room_id: u64,
    /// Set when the client reconnects.
    pub since: Option<Since>,
    /// Whether it opens its room.
    pub opens: bool,
}

/// What a reconnecting client has seen.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    /// The last rev it has seen in its room.
    pub rev: u64,
    /// When it was connected, in RFC 3339, to catch up on users and rooms.
    pub at: &'static str,
}

/// The next step of a handshake.
#[derive(Debug)]
pub enum Step {
    Wait,
    /// Consumes this many received bytes and sends a reply.
    Send(usize, Vec<u8>),
    /// Consumes this many bytes without a reply.
    Skip(usize),
    /// Consumes a message of the catch-up; with its rev.
    Missed(usize, u64),
    Joined(usize),
    Refused(String),
}

const STREAM: &str = "<stream:stream to='localhost' xmlns='jabber:client' \
     xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

impl Protocol {
    pub fn framing(self) -> Framing {
        match self {
            Self::Patio | Self::Plain => Framing::WebSocket,
            Self::Bare | Self::Irc => Framing::EndsWith("\n"),
            Self::Xmpp => Framing::EndsWith("</message>"),
        }
    }

    /// Whether a sender receives its own messages.
    pub fn echoes_to_sender(self) -> bool {
        self != Self::Irc
    }

    /// The first bytes that the client sends.
    pub fn connect(self, spec: &ClientSpec) -> Vec<u8> {
        match self {
            Self::Patio => handshake(
                &spec.since.map_or("/api/v1/live".to_owned(), |since| {
                    format!("/api/v1/live?since={}", since.at)
                }),
                &format!(
                    "Authorization: Bearer bench-token-{}\r\nSec-WebSocket-Protocol: patio.v1\r\n",
                    spec.user
                ),
            ),
            Self::Plain => handshake(&format!("/room{}", spec.room), ""),
            // The line with the room is the whole handshake.
            Self::Bare => format!("{}\n", spec.room).into_bytes(),
            Self::Irc => {
                let nick = spec.number;
                format!("NICK u{nick}\r\nUSER u{nick} 0 * :u{nick}\r\n").into_bytes()
            }
            Self::Xmpp => STREAM.into(),
        }
    }

    /// What to do at this step of the handshake with the received bytes.
    pub fn next_step(self, spec: &ClientSpec, step: u8, received: &[u8]) -> Step {
        match (self, step) {
            (Self::Bare, _) => after_line(received, "\n", Step::Joined),
            (Self::Plain, _) => upgraded(received, Step::Joined),
            (Self::Patio, 0) if spec.opens => upgraded(received, |used| {
                let since = spec.since.map(|since| format!(r#","since_rev":{}"#, since.rev));
                let open = format!(
                    r#"{{"type":"open","room":{}{}}}"#,
                    spec.room_id,
                    since.unwrap_or_default()
                );
                Step::Send(used, frames::websocket(TEXT, open.as_bytes()))
            }),
            (Self::Patio, 0) => upgraded(received, Step::Skip),
            (Self::Patio, _) => after_hello(spec, received),
            (Self::Irc, 0) => after_line(received, " 001 ", |used| {
                Step::Send(used, format!("JOIN #r{}\r\n", spec.room).into_bytes())
            }),
            (Self::Irc, _) => after_line(received, " 366 ", Step::Joined),
            (Self::Xmpp, step) => enter_xmpp(spec, step, received),
        }
    }

    /// The bytes of a post by this client.
    pub fn post(self, spec: &ClientSpec, body: &str, nonce: &str) -> Vec<u8> {
        match self {
            Self::Patio => {
                let room = spec.room_id;
                let frame =
                    format!(r#"{{"type":"post","room":{room},"body":"{body}","nonce":"{nonce}"}}"#);
                frames::websocket(TEXT, frame.as_bytes())
            }
            Self::Plain => frames::websocket(TEXT, body.as_bytes()),
            Self::Bare => format!("{body}\n").into_bytes(),
            Self::Irc => format!("PRIVMSG #r{} :{body}\r\n", spec.room).into_bytes(),
            Self::Xmpp => format!(
                "<message to='r{}@conference.localhost' type='groupchat'>\
                 <body>{body}</body></message>",
                spec.room
            )
            .into_bytes(),
        }
    }

    /// The nonce in a frame that acknowledges a post.
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

/// Continues after the response head if the status is 101.
fn upgraded(received: &[u8], next: impl FnOnce(usize) -> Step) -> Step {
    match find(received, b"\r\n\r\n") {
        None => Step::Wait,
        Some(end) if received.starts_with(b"HTTP/1.1 101") => next(end + 4),
        Some(end) => Step::Refused(String::from_utf8_lossy(&received[..end.min(80)]).into_owned()),
    }
}

/// Continues after the line that contains this text.
fn after_line(received: &[u8], wanted: &str, next: impl FnOnce(usize) -> Step) -> Step {
    let Some(at) = find(received, wanted.as_bytes()) else { return Step::Wait };
    match find(&received[at..], b"\n") {
        Some(end) => next(at + end + 1),
        None => Step::Wait,
    }
}

/// Patio's frames from `ready` to `live`. A client that opens no room has joined at `ready`.
fn after_hello(spec: &ClientSpec, received: &[u8]) -> Step {
    let Some(found) = Framing::WebSocket.first(received) else { return Step::Wait };
    let frame = &received[found.payload];
    match found.kind {
        Kind::Ping => Step::Send(found.end, frames::websocket(frames::PONG, frame)),
        Kind::Close => Step::Refused("closed during the handshake".to_owned()),
        Kind::Data if is(frame, "live") || (!spec.opens && is(frame, "ready")) => {
            Step::Joined(found.end)
        }
        Kind::Data if is(frame, "message") => Step::Missed(found.end, rev(frame)),
        Kind::Data if is(frame, "error") || is(frame, "resync") => {
            Step::Refused(String::from_utf8_lossy(frame).into_owned())
        }
        _ => Step::Skip(found.end),
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

fn enter_xmpp(spec: &ClientSpec, step: u8, received: &[u8]) -> Step {
    let after = |wanted: &str, reply: String| match find(received, wanted.as_bytes()) {
        Some(at) => Step::Send(at + wanted.len(), reply.into_bytes()),
        None => Step::Wait,
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
                spec.room, spec.number
            ),
        ),
        // The room's subject is the last stanza of joining.
        _ => match find(received, b"<subject") {
            Some(at) => match find(&received[at..], b"</message>") {
                Some(end) => Step::Joined(at + end + "</message>".len()),
                None => Step::Wait,
            },
            None => Step::Wait,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SINCE: Since = Since { rev: 41, at: "2026-11-25T09:05:00.000Z" };
    const SEAT: ClientSpec =
        ClientSpec { number: 7, room: 3, user: 5, room_id: 9, since: Some(SINCE), opens: true };

    fn sent(text: &str) -> Vec<u8> {
        let mut frame = frames::websocket(TEXT, text.as_bytes());
        frame[1] &= 0x7f;
        let head = frame.len() - text.len();
        frame.drain(head - 4..head);
        frame
    }

    #[test]
    fn reconnecting_client_sends_since() {
        let first = ClientSpec { since: None, ..SEAT };
        for (spec, wanted) in
            [(first, "/live HTTP"), (SEAT, "/live?since=2026-11-25T09:05:00.000Z HTTP")]
        {
            let connect = String::from_utf8(Protocol::Patio.connect(&spec)).expect("text");
            assert!(connect.contains(wanted), "{connect}");
        }
    }

    #[test]
    fn client_opens_its_room_catches_up_and_joins_when_live() {
        let step = Protocol::Patio.next_step(&SEAT, 0, b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
        let Step::Send(_, bytes) = step else { panic!("{step:?}") };
        assert!(bytes.ends_with(br#"{"type":"open","room":9,"since_rev":41}"#));
        for (frame, wanted) in [
            (r#"{"type":"opened","room":9,"rev":57}"#, "Skip"),
            (r#"{"type":"message","room":9,"rev":42,"message":{}}"#, "Missed(51, 42)"),
            (r#"{"type":"live","room":9,"rev":57}"#, "Inside"),
            (r#"{"type":"resync","room":9}"#, "Refused"),
        ] {
            let step = format!("{:?}", Protocol::Patio.next_step(&SEAT, 1, &sent(frame)));
            assert!(step.starts_with(wanted), "{frame}: {step}");
        }
    }

    #[test]
    fn refused_handshake_is_reported() {
        let step = Protocol::Patio.next_step(&SEAT, 0, b"HTTP/1.1 401 Unauthorized\r\n\r\n");
        assert!(matches!(step, Step::Refused(text) if text.contains("401")));
    }

    #[test]
    fn only_an_acknowledgement_counts_as_stored() {
        let posted = br#"{"type":"posted","nonce":"abc","room":1,"id":9}"#;
        assert_eq!(Protocol::Patio.stored(posted), Some(b"abc".as_slice()));
        assert_eq!(Protocol::Patio.stored(br#"{"type":"message","nonce":"abc"}"#), None);
        assert_eq!(Protocol::Plain.stored(posted), None);
    }
}
