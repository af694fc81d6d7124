//! A small internet for tests: a name server on UDP, web servers behind public addresses, and a record of every
//! connection. The guard is the product's, unchanged.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use async_trait::async_trait;

use crate::outgoing::{HttpClient, Network};

const A: u16 = 1;
const AAAA: u16 = 28;

/// Each answer of the name server to a name, in turn; the last one repeats.
type Zone = HashMap<&'static str, Vec<&'static str>>;

#[derive(Default)]
pub(super) struct Internet {
    zone: Zone,
    servers: HashMap<IpAddr, SocketAddr>,
}

/// What happened in it.
#[derive(Clone)]
pub(super) struct Traffic(Arc<Connections>);

struct Connections {
    name_server: SocketAddr,
    servers: HashMap<IpAddr, SocketAddr>,
    made: Mutex<Vec<SocketAddr>>,
}

/// The heads of the requests that a server received.
pub(super) struct Requests(mpsc::Receiver<String>);

impl Requests {
    pub(super) fn next(&self) -> String {
        self.0.recv().expect("a request")
    }
}

impl Internet {
    /// Adds a name. Each text of `answers` has the addresses of one answer, separated by spaces.
    pub(super) fn host(&mut self, name: &'static str, answers: &[&'static str]) {
        self.zone.insert(name, answers.to_vec());
    }

    /// Adds a web server at a public address. It reads the head of a request and writes what `answer` says.
    pub(super) fn server(
        &mut self,
        address: &str,
        answer: impl Fn(&str, &mut TcpStream) -> io::Result<()> + Send + 'static,
    ) -> Requests {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        self.servers.insert(
            address.parse().expect("an address"),
            listener.local_addr().expect("an address"),
        );
        let (sender, requests) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let head = read_head(&mut stream);
                sender.send(head.clone()).ok();
                // The client may be gone.
                answer(&head, &mut stream).ok();
            }
        });
        Requests(requests)
    }

    pub(super) fn start(self) -> (HttpClient, Traffic) {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let name_server = socket.local_addr().expect("an address");
        let zone = self.zone;
        thread::spawn(move || serve_names(&socket, &zone));
        let connections =
            Connections { name_server, servers: self.servers, made: Mutex::default() };
        let traffic = Traffic(Arc::new(connections));
        (HttpClient::on(Arc::new(traffic.clone())), traffic)
    }
}

impl Traffic {
    /// The connections since the last call.
    pub(super) fn take(&self) -> Vec<SocketAddr> {
        std::mem::take(&mut *self.0.made.lock().expect("a lock"))
    }
}

#[async_trait]
impl Network for Traffic {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut found = Vec::new();
        for kind in [A, AAAA] {
            found.extend(ask(self.0.name_server, name, kind)?);
        }
        if found.is_empty() { Err(io::Error::other("no such name")) } else { Ok(found) }
    }

    async fn connect(&self, addresses: &[SocketAddr]) -> io::Result<tokio::net::TcpStream> {
        let first = addresses.first().ok_or_else(|| io::Error::other("no address"))?;
        self.0.made.lock().expect("a lock").push(*first);
        let server = self.0.servers.get(&first.ip());
        tokio::net::TcpStream::connect(server.ok_or_else(|| io::Error::other("no server"))?).await
    }
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.extend(byte);
    }
    String::from_utf8(head).expect("text")
}

/// Answers with a status line, more fields, and a body whose length it states.
pub(super) fn answer(stream: &mut TcpStream, head: &str, body: &[u8]) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len())?;
    stream.write_all(body)
}

/// The head of a DNS message (RFC 1035, 4.1.1), and its question.
fn question(id: [u8; 2], flags: u16, answers: u16, name: &[u8], kind: u16) -> Vec<u8> {
    let mut message = id.to_vec();
    for number in [flags, 1, answers, 0, 0] {
        message.extend(number.to_be_bytes());
    }
    message.extend(name);
    message.extend(kind.to_be_bytes());
    message.extend(1_u16.to_be_bytes());
    message
}

fn ask(server: SocketAddr, name: &str, kind: u16) -> io::Result<Vec<IpAddr>> {
    let mut labels = Vec::new();
    for label in name.trim_end_matches('.').split('.') {
        labels.push(u8::try_from(label.len()).map_err(io::Error::other)?);
        labels.extend(label.as_bytes());
    }
    labels.push(0);
    let query = question([7, 7], 0x0100, 0, &labels, kind);
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.send_to(&query, server)?;
    let mut buffer = [0; 512];
    let length = socket.recv(&mut buffer)?;
    let mut rest = &buffer[query.len()..length];
    let mut found = Vec::new();
    // Name, type, class, time to live and length of each answer.
    while let Some((_, data)) = rest.split_at_checked(12) {
        let (address, next) = data.split_at(if kind == A { 4 } else { 16 });
        found.push(match kind {
            A => IpAddr::from(<[u8; 4]>::try_from(address).map_err(io::Error::other)?),
            _ => IpAddr::from(<[u8; 16]>::try_from(address).map_err(io::Error::other)?),
        });
        rest = next;
    }
    Ok(found)
}

fn serve_names(socket: &UdpSocket, zone: &Zone) {
    let mut asked: HashMap<(String, u16), usize> = HashMap::new();
    let mut buffer = [0; 512];
    while let Ok((length, client)) = socket.recv_from(&mut buffer) {
        let message = &buffer[..length];
        let end = 12 + message[12..].iter().position(|byte| *byte == 0).expect("an end") + 1;
        let kind = u16::from_be_bytes([message[end], message[end + 1]]);
        let name = name(&message[12..end]);
        let answers = zone.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
        let turn = asked.entry((name, kind)).or_default();
        let addresses = answers.get(*turn).or(answers.last()).copied().unwrap_or_default();
        *turn += 1;
        let data: Vec<Vec<u8>> = match kind {
            A => parsed(addresses).map(|ip: Ipv4Addr| ip.octets().to_vec()).collect(),
            _ => parsed(addresses).map(|ip: Ipv6Addr| ip.octets().to_vec()).collect(),
        };
        let count = u16::try_from(data.len()).expect("a few");
        let id = [message[0], message[1]];
        let mut reply = question(id, 0x8180, count, &message[12..end], kind);
        for address in data {
            // A pointer to the name of the question.
            reply.extend([0xc0, 12]);
            reply.extend(kind.to_be_bytes());
            reply.extend([0, 1, 0, 0, 0, 0, 0, u8::try_from(address.len()).expect("short")]);
            reply.extend(address);
        }
        socket.send_to(&reply, client).expect("a reply");
    }
}

fn parsed<T: std::str::FromStr>(addresses: &str) -> impl Iterator<Item = T> {
    addresses.split(' ').filter_map(|address| address.parse().ok())
}

fn name(labels: &[u8]) -> String {
    let mut parts = Vec::new();
    let mut rest = labels;
    while let Some((length, after)) = rest.split_first().filter(|(length, _)| **length > 0) {
        let (label, next) = after.split_at(usize::from(*length));
        parts.push(String::from_utf8_lossy(label).into_owned());
        rest = next;
    }
    parts.join(".")
}
