//! Many client connections, read by one thread.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use socket2::{Domain, Socket, Type};

use crate::frames::{self, Framing, Kind};
use crate::protocol::{ClientSpec, Protocol, Step};

/// Connections of one source address. It has about 28,000 ports, and those of the last run may still be in
/// `TIME_WAIT`.
const PER_ADDRESS: usize = 2_000;
/// Concurrent handshakes: well below the backlog of the servers.
const AT_ONCE: usize = 256;
const TIMEOUT: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub struct Connection {
    pub stream: TcpStream,
    pub spec: ClientSpec,
    state: State,
    /// The bytes of an incomplete frame.
    partial: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the handshake, with this many steps done.
    Entering(u8),
    Joined,
    Closed,
}

/// An event of a connection.
#[derive(Debug)]
pub enum ClientEvent<'a> {
    Frame(&'a [u8]),
    /// A message received during catch-up, with its rev.
    Missed(u64),
    Joined,
    Closed(String),
}

pub struct Clients {
    pub protocol: Protocol,
    target: SocketAddr,
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
    pub connections: Vec<Connection>,
    scratch: Vec<u8>,
}

impl Clients {
    pub fn new(protocol: Protocol, target: SocketAddr) -> Result<Self> {
        Ok(Self {
            protocol,
            target,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(1024),
            connections: Vec::new(),
            scratch: vec![0; 256 * 1024],
        })
    }

    /// Connects all clients and returns how long it took.
    pub fn connect_all(&mut self, specs: &[ClientSpec]) -> Result<Duration> {
        let started = Instant::now();
        let (mut joined, mut received) = (0, Instant::now());
        while joined < specs.len() {
            while self.connections.len() < specs.len() && self.connections.len() < joined + AT_ONCE
            {
                let spec = specs[self.connections.len()];
                let stream = self.connect(&spec, self.connections.len())?;
                self.connections.push(Connection {
                    stream,
                    spec,
                    state: State::Entering(0),
                    partial: Vec::new(),
                });
            }
            let mut refused = None;
            self.poll(Duration::from_secs(1), &mut |index, event| match event {
                ClientEvent::Joined => {
                    joined += 1;
                    received = Instant::now();
                }
                ClientEvent::Closed(reason) => {
                    refused = Some(format!("connection {index}: {reason}"))
                }
                ClientEvent::Frame(_) | ClientEvent::Missed(_) => {}
            })?;
            if let Some(reason) = refused {
                bail!("{reason}");
            }
            if received.elapsed() > TIMEOUT {
                bail!("only {joined} of {} joined", specs.len());
            }
        }
        Ok(started.elapsed())
    }

    /// Opens connection number `index` and sends the start of its handshake.
    fn connect(&self, spec: &ClientSpec, index: usize) -> Result<TcpStream> {
        let host = u8::try_from(2 + index / PER_ADDRESS)?;
        let source = SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0));
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&source.into())?;
        socket.connect(&self.target.into())?;
        socket.set_tcp_nodelay(true)?;
        // Close with a reset, so that the port is free for the next run immediately.
        socket.set_linger(Some(Duration::ZERO))?;
        socket.set_nonblocking(true)?;
        let stream = TcpStream::from(socket);
        write_all(&stream, &self.protocol.connect(spec))?;
        let data = epoll::EventData::new_u64(index as u64);
        epoll::add(&self.epoll, &stream, data, epoll::EventFlags::IN)?;
        Ok(stream)
    }

    /// Replaces a closed connection by a new one.
    pub fn reconnect(&mut self, index: usize, spec: ClientSpec) -> Result<()> {
        let stream = self.connect(&spec, index)?;
        self.connections[index] =
            Connection { stream, spec, state: State::Entering(0), partial: Vec::new() };
        Ok(())
    }

    /// Waits for data, reads from all connections that have some, and reports the events.
    pub fn poll(
        &mut self,
        wait: Duration,
        on_event: &mut dyn FnMut(usize, ClientEvent<'_>),
    ) -> Result<()> {
        let wait = Timespec::try_from(wait).context("a short wait")?;
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &self.events {
            let index = usize::try_from(event.data.u64())?;
            let connection = &mut self.connections[index];
            if connection.state == State::Closed {
                continue;
            }
            if let Err(reason) = connection
                .read(self.protocol, &mut self.scratch, &mut |event| on_event(index, event))
            {
                connection.state = State::Closed;
                epoll::delete(&self.epoll, &connection.stream)?;
                on_event(index, ClientEvent::Closed(reason));
            }
        }
        Ok(())
    }

    /// Stops reading from one connection.
    pub fn stop_reading(&self, index: usize) -> Result<()> {
        Ok(epoll::delete(&self.epoll, &self.connections[index].stream)?)
    }

    pub fn joined(&self) -> usize {
        self.connections.iter().filter(|connection| connection.state == State::Joined).count()
    }
}

impl Connection {
    /// Reads once. If there is more, epoll reports the connection again.
    fn read(
        &mut self,
        protocol: Protocol,
        scratch: &mut [u8],
        on_event: &mut dyn FnMut(ClientEvent<'_>),
    ) -> Result<(), String> {
        let length = match self.stream.read(scratch) {
            Ok(0) => return Err("closed by the server".to_owned()),
            Ok(length) => length,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                return Ok(());
            }
            Err(error) => return Err(error.to_string()),
        };
        let new_bytes = &scratch[..length];
        if self.partial.is_empty() {
            let used = self.take_frames(protocol, new_bytes, on_event)?;
            self.partial.extend_from_slice(&new_bytes[used..]);
        } else {
            let mut bytes = std::mem::take(&mut self.partial);
            bytes.extend_from_slice(new_bytes);
            let used = self.take_frames(protocol, &bytes, on_event)?;
            bytes.drain(..used);
            self.partial = bytes;
        }
        if self.partial.is_empty() && self.partial.capacity() > 0 {
            self.partial = Vec::new();
        }
        Ok(())
    }

    /// Takes complete frames from the bytes and returns how many bytes were used.
    fn take_frames(
        &mut self,
        protocol: Protocol,
        bytes: &[u8],
        on_event: &mut dyn FnMut(ClientEvent<'_>),
    ) -> Result<usize, String> {
        let mut done = self.handshake(protocol, bytes, on_event)?;
        if self.state != State::Joined {
            return Ok(done);
        }
        let framing = protocol.framing();
        while let Some(found) = framing.first(&bytes[done..]) {
            let payload = &bytes[done..][found.payload];
            match found.kind {
                Kind::Data => {
                    if matches!(framing, Framing::EndsWith("\n")) && payload.starts_with(b"PING") {
                        self.reply(&[b"PONG", &payload[4..]].concat())?;
                    }
                    on_event(ClientEvent::Frame(payload));
                }
                Kind::Ping => self.reply(&frames::websocket(frames::PONG, payload))?,
                Kind::Close => return Err(format!("close frame {payload:?}")),
                Kind::Other => {}
            }
            done += found.end;
        }
        Ok(done)
    }

    fn handshake(
        &mut self,
        protocol: Protocol,
        bytes: &[u8],
        on_event: &mut dyn FnMut(ClientEvent<'_>),
    ) -> Result<usize, String> {
        let mut done = 0;
        while let State::Entering(step) = self.state {
            let next = State::Entering(step.saturating_add(1));
            match protocol.next_step(&self.spec, step, &bytes[done..]) {
                Step::Wait => break,
                Step::Send(used, bytes_to_send) => {
                    (done, self.state) = (done + used, next);
                    self.reply(&bytes_to_send)?;
                }
                Step::Skip(used) => (done, self.state) = (done + used, next),
                Step::Missed(used, rev) => {
                    (done, self.state) = (done + used, next);
                    on_event(ClientEvent::Missed(rev));
                }
                Step::Joined(used) => {
                    (done, self.state) = (done + used, State::Joined);
                    on_event(ClientEvent::Joined);
                }
                Step::Refused(reason) => return Err(reason),
            }
        }
        Ok(done)
    }

    fn reply(&self, bytes: &[u8]) -> Result<(), String> {
        write_all(&self.stream, bytes).map_err(|error| error.to_string())
    }
}

/// Writes all bytes, and retries while the socket buffer is full.
pub fn write_all(mut stream: &TcpStream, mut bytes: &[u8]) -> Result<()> {
    let started = Instant::now();
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if started.elapsed() > TIMEOUT {
                    bail!("the server does not read");
                }
                std::thread::sleep(Duration::from_micros(100));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// How clients are distributed: rooms, connections in each, and users.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Layout {
    #[arg(long, default_value_t = 1)]
    pub rooms: u16,
    /// Connections in each room.
    #[arg(long, default_value_t = 1000)]
    pub members: usize,
    /// Users of all connections together, divided evenly among the rooms, so that each is a member of one
    /// room. With fewer users than connections, some users have several.
    #[arg(long, default_value_t = 1000)]
    pub users: usize,
    /// Id of the first room on the server; the others follow it.
    #[arg(long, default_value_t = 1)]
    pub first_room: u64,
    /// Number of the first user.
    #[arg(long, default_value_t = 0)]
    pub first_user: usize,
}

impl Layout {
    /// One spec for each connection. The first ones are the senders, one in each room. Every user gets a
    /// first connection before any user gets a second one.
    pub fn specs(&self) -> Vec<ClientSpec> {
        let users = (self.users / usize::from(self.rooms)).clamp(1, self.members);
        let at_position = |state: usize| {
            (0..self.rooms).map(move |room| ClientSpec {
                number: state * usize::from(self.rooms) + usize::from(room),
                room,
                user: self.first_user + usize::from(room) * users + state % users,
                room_id: self.first_room + u64::from(room),
                since: None,
                opens: true,
            })
        };
        (0..self.members).flat_map(at_position).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn users_are_in_one_room_and_senders_come_first() {
        let layout = Layout { rooms: 200, members: 25, users: 1000, first_room: 2, first_user: 0 };
        let specs = layout.specs();
        assert_eq!(specs.len(), 5_000);
        let users: HashSet<_> = specs.iter().map(|spec| spec.user).collect();
        let memberships: HashSet<_> = specs.iter().map(|spec| (spec.user, spec.room)).collect();
        assert_eq!((users.len(), memberships.len()), (1_000, 1_000));
        for (index, spec) in specs.iter().enumerate().take(200) {
            assert_eq!(usize::from(spec.room), index);
        }
    }
}
