//! Many connections, read by one thread.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use socket2::{Domain, Socket, Type};

use crate::dialect::{Dialect, Door, Seat};
use crate::frames::{self, Framing, Kind};

/// Ports of one source address; there are some 28,000, and those of the last run may still wait.
const PER_ADDRESS: usize = 2_000;
/// Comings-in under way at once: well below the backlog that servers ask for.
const AT_ONCE: usize = 256;
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub struct Connection {
    pub stream: TcpStream,
    pub seat: Seat,
    place: Place,
    /// Bytes of a frame that is not there to its end.
    partial: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Coming in, so many steps done.
    Door(u8),
    Inside,
    Gone,
}

/// What a connection has to tell.
#[derive(Debug)]
pub enum News<'a> {
    Frame(&'a [u8]),
    /// A message that it was sent while coming in, with its rev.
    Missed(u64),
    Inside,
    Gone(String),
}

pub struct Crowd {
    pub dialect: Dialect,
    target: SocketAddr,
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
    pub connections: Vec<Connection>,
    scratch: Vec<u8>,
}

impl Crowd {
    pub fn new(dialect: Dialect, target: SocketAddr) -> Result<Self> {
        Ok(Self {
            dialect,
            target,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(1024),
            connections: Vec::new(),
            scratch: vec![0; 256 * 1024],
        })
    }

    /// Brings in all of them. Answers how long it took.
    pub fn gather(&mut self, seats: &[Seat]) -> Result<Duration> {
        let begun = Instant::now();
        let (mut inside, mut heard) = (0, Instant::now());
        while inside < seats.len() {
            while self.connections.len() < seats.len() && self.connections.len() < inside + AT_ONCE
            {
                let seat = seats[self.connections.len()];
                let stream = self.knock(&seat, self.connections.len())?;
                self.connections.push(Connection {
                    stream,
                    seat,
                    place: Place::Door(0),
                    partial: Vec::new(),
                });
            }
            let mut refused = None;
            self.turn(Duration::from_secs(1), &mut |index, news| match news {
                News::Inside => {
                    inside += 1;
                    heard = Instant::now();
                }
                News::Gone(reason) => refused = Some(format!("connection {index}: {reason}")),
                News::Frame(_) | News::Missed(_) => {}
            })?;
            if let Some(reason) = refused {
                bail!("{reason}");
            }
            if heard.elapsed() > PATIENCE {
                bail!("only {inside} of {} came in", seats.len());
            }
        }
        Ok(begun.elapsed())
    }

    /// Opens a connection that will speak as number `index`, and says its first words.
    fn knock(&self, seat: &Seat, index: usize) -> Result<TcpStream> {
        let host = u8::try_from(2 + index / PER_ADDRESS)?;
        let source = SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0));
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&source.into())?;
        socket.connect(&self.target.into())?;
        socket.set_tcp_nodelay(true)?;
        // A reset at the end, so that the port is free for the next run at once.
        socket.set_linger(Some(Duration::ZERO))?;
        socket.set_nonblocking(true)?;
        let stream = TcpStream::from(socket);
        say(&stream, &self.dialect.knock(seat))?;
        let data = epoll::EventData::new_u64(index as u64);
        epoll::add(&self.epoll, &stream, data, epoll::EventFlags::IN)?;
        Ok(stream)
    }

    /// Puts a new connection in the place of one that is gone.
    pub fn come_back(&mut self, index: usize, seat: Seat) -> Result<()> {
        let stream = self.knock(&seat, index)?;
        self.connections[index] =
            Connection { stream, seat, place: Place::Door(0), partial: Vec::new() };
        Ok(())
    }

    /// Reads from everybody who has something, or waits for it; tells what was heard.
    pub fn turn(&mut self, wait: Duration, tell: &mut dyn FnMut(usize, News<'_>)) -> Result<()> {
        let wait = Timespec::try_from(wait).context("a short wait")?;
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &self.events {
            let index = usize::try_from(event.data.u64())?;
            let connection = &mut self.connections[index];
            if connection.place == Place::Gone {
                continue;
            }
            if let Err(reason) =
                connection.read(self.dialect, &mut self.scratch, &mut |news| tell(index, news))
            {
                connection.place = Place::Gone;
                epoll::delete(&self.epoll, &connection.stream)?;
                tell(index, News::Gone(reason));
            }
        }
        Ok(())
    }

    /// Reads nothing more from one connection.
    pub fn stop_reading(&self, index: usize) -> Result<()> {
        Ok(epoll::delete(&self.epoll, &self.connections[index].stream)?)
    }

    pub fn inside(&self) -> usize {
        self.connections.iter().filter(|connection| connection.place == Place::Inside).count()
    }
}

impl Connection {
    /// Reads once; there is more if epoll says so again.
    fn read(
        &mut self,
        dialect: Dialect,
        scratch: &mut [u8],
        tell: &mut dyn FnMut(News<'_>),
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
        let fresh = &scratch[..length];
        if self.partial.is_empty() {
            let used = self.take(dialect, fresh, tell)?;
            self.partial.extend_from_slice(&fresh[used..]);
        } else {
            let mut bytes = std::mem::take(&mut self.partial);
            bytes.extend_from_slice(fresh);
            let used = self.take(dialect, &bytes, tell)?;
            bytes.drain(..used);
            self.partial = bytes;
        }
        if self.partial.is_empty() && self.partial.capacity() > 0 {
            self.partial = Vec::new();
        }
        Ok(())
    }

    /// Takes whole frames from the bytes. Answers how many bytes are done with.
    fn take(
        &mut self,
        dialect: Dialect,
        bytes: &[u8],
        tell: &mut dyn FnMut(News<'_>),
    ) -> Result<usize, String> {
        let mut done = self.come_in(dialect, bytes, tell)?;
        if self.place != Place::Inside {
            return Ok(done);
        }
        let framing = dialect.framing();
        while let Some(found) = framing.first(&bytes[done..]) {
            let payload = &bytes[done..][found.payload];
            match found.kind {
                Kind::Data => {
                    if matches!(framing, Framing::EndsWith("\n")) && payload.starts_with(b"PING") {
                        self.reply(&[b"PONG", &payload[4..]].concat())?;
                    }
                    tell(News::Frame(payload));
                }
                Kind::Ping => self.reply(&frames::websocket(frames::PONG, payload))?,
                Kind::Close => return Err(format!("close frame {payload:?}")),
                Kind::Other => {}
            }
            done += found.end;
        }
        Ok(done)
    }

    fn come_in(
        &mut self,
        dialect: Dialect,
        bytes: &[u8],
        tell: &mut dyn FnMut(News<'_>),
    ) -> Result<usize, String> {
        let mut done = 0;
        while let Place::Door(step) = self.place {
            let next = Place::Door(step.saturating_add(1));
            match dialect.enter(&self.seat, step, &bytes[done..]) {
                Door::Wait => break,
                Door::Say(used, words) => {
                    (done, self.place) = (done + used, next);
                    self.reply(&words)?;
                }
                Door::Skip(used) => (done, self.place) = (done + used, next),
                Door::Missed(used, rev) => {
                    (done, self.place) = (done + used, next);
                    tell(News::Missed(rev));
                }
                Door::Inside(used) => {
                    (done, self.place) = (done + used, Place::Inside);
                    tell(News::Inside);
                }
                Door::Refused(reason) => return Err(reason),
            }
        }
        Ok(done)
    }

    fn reply(&self, bytes: &[u8]) -> Result<(), String> {
        say(&self.stream, bytes).map_err(|error| error.to_string())
    }
}

/// Writes all of it, trying again while the socket is full.
pub fn say(mut stream: &TcpStream, mut bytes: &[u8]) -> Result<()> {
    let begun = Instant::now();
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if begun.elapsed() > PATIENCE {
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

/// How people are spread: rooms, sockets in each, and people behind them.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Seating {
    #[arg(long, default_value_t = 1)]
    pub rooms: u16,
    /// Connections in each room.
    #[arg(long, default_value_t = 1000)]
    pub members: usize,
    /// People behind all connections together, divided evenly among the rooms, so that each is
    /// a member of one room. With fewer people than connections some have several.
    #[arg(long, default_value_t = 1000)]
    pub people: usize,
    /// Id of the first room at the server; the others follow it.
    #[arg(long, default_value_t = 1)]
    pub first_room: u64,
}

impl Seating {
    /// Everybody's seat. The first seats are one in each room: its sender. People come before
    /// their second connections.
    pub fn seats(&self) -> Vec<Seat> {
        let people = (self.people / usize::from(self.rooms)).clamp(1, self.members);
        let row = |place: usize| {
            (0..self.rooms).map(move |room| Seat {
                number: place * usize::from(self.rooms) + usize::from(room),
                room,
                person: usize::from(room) * people + place % people,
                room_id: self.first_room + u64::from(room),
                since: None,
                opens: true,
            })
        };
        (0..self.members).flat_map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nobody_sits_in_two_rooms_and_each_room_begins_with_its_sender() {
        let seating = Seating { rooms: 200, members: 25, people: 1000, first_room: 2 };
        let seats = seating.seats();
        assert_eq!(seats.len(), 5_000);
        let people: HashSet<_> = seats.iter().map(|seat| seat.person).collect();
        let places: HashSet<_> = seats.iter().map(|seat| (seat.person, seat.room)).collect();
        assert_eq!((people.len(), places.len()), (1_000, 1_000));
        for (index, seat) in seats.iter().enumerate().take(200) {
            assert_eq!(usize::from(seat.room), index);
        }
    }
}
