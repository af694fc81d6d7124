//! The lower bound: accepts connections and writes the data of one to all in its room, in one loop. It
//! has no WebSocket, no queue and no storage, so no chat server can be faster.
//!
//! The first line of a connection is the number of its room. Usage: `bare PORT`.

use std::io::{ErrorKind, Read as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use socket2::{Domain, Socket, Type};
use wsload::clients::write_all;
use wsload::process::raise_file_limit;

const LISTENER: u64 = u64::MAX;

struct Connection {
    stream: TcpStream,
    room: Option<usize>,
    received: Vec<u8>,
}

fn main() -> Result<()> {
    let port: u16 = std::env::args().nth(1).context("usage: bare PORT")?.parse()?;
    raise_file_limit()?;
    let listener = listen(port)?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let watch = |stream: &dyn std::os::fd::AsFd, data: u64| {
        epoll::add(&epoll, stream.as_fd(), epoll::EventData::new_u64(data), epoll::EventFlags::IN)
    };
    watch(&listener, LISTENER)?;
    let mut connections: Vec<Connection> = Vec::new();
    let mut rooms: Vec<Vec<usize>> = Vec::new();
    let mut events = Vec::with_capacity(1024);
    let mut scratch = vec![0; 64 * 1024];
    loop {
        events.clear();
        epoll::wait(&epoll, spare_capacity(&mut events), None)?;
        for event in &events {
            if event.data.u64() == LISTENER {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                watch(&stream, connections.len() as u64)?;
                connections.push(Connection { stream, room: None, received: Vec::new() });
                continue;
            }
            let index = usize::try_from(event.data.u64())?;
            let Some(lines) = connections[index].read(&mut scratch) else {
                epoll::delete(&epoll, &connections[index].stream)?;
                if let Some(room) = connections[index].room {
                    rooms[room].retain(|member| *member != index);
                }
                continue;
            };
            if lines.is_empty() {
                continue;
            }
            let Some(room) = connections[index].room else {
                let room: usize = std::str::from_utf8(&lines)?.trim().parse()?;
                connections[index].room = Some(room);
                rooms.resize(rooms.len().max(room + 1), Vec::new());
                rooms[room].push(index);
                write_all(&connections[index].stream, b"welcome\n")?;
                continue;
            };
            for member in &rooms[room] {
                // A closed connection is removed when it is read.
                drop(write_all(&connections[*member].stream, &lines));
            }
        }
    }
}

impl Connection {
    /// The complete lines received so far; `None` at the end of the connection.
    fn read(&mut self, scratch: &mut [u8]) -> Option<Vec<u8>> {
        match (&self.stream).read(scratch) {
            Ok(0) => return None,
            Ok(length) => self.received.extend_from_slice(&scratch[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return None,
        }
        let end = memchr::memrchr(b'\n', &self.received).map_or(0, |at| at + 1);
        Some(self.received.drain(..end).collect())
    }
}

fn listen(port: u16) -> Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    socket.listen(4096)?;
    socket.set_linger(Some(Duration::ZERO))?;
    Ok(socket.into())
}
