//! Slow clients: members that join and then never read.

use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::os::fd::AsFd as _;
use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::event::{PollFd, PollFlags, poll};
use serde_json::{Value, json};
use socket2::SockRef;

use crate::clients::Clients;
use crate::latency_stamp;
use crate::process::kernel_tcp_kib;

/// Receive buffer of a member that does not read.
const WINDOW: usize = 16 * 1024;
/// After this long without data, nothing is left to read.
const QUIET: Duration = Duration::from_millis(500);

pub struct Slow {
    members: Vec<Member>,
    /// Messages sent to the room in earlier phases.
    pub published: u64,
    started: u64,
    next_look: u64,
    tcp_before: u64,
    tcp_most: u64,
}

struct Member {
    index: usize,
    cut: Option<Cut>,
}

/// When the server was seen to have disconnected a member.
struct Cut {
    /// Seconds from the start.
    at: f64,
    /// Messages published in the room until then.
    published: u64,
}

impl Slow {
    /// Stops reading from the last `count` connections.
    pub fn begin(clients: &Clients, count: usize) -> Result<Self> {
        let all = clients.connections.len();
        ensure!(count < all, "at least one member has to read");
        let members = (all - count..all).map(|index| {
            clients.stop_reading(index)?;
            // A small window, as on a slow network. Otherwise the kernel would buffer megabytes.
            SockRef::from(&clients.connections[index].stream).set_recv_buffer_size(WINDOW)?;
            Ok(Member { index, cut: None })
        });
        let tcp = kernel_tcp_kib();
        Ok(Self {
            members: members.collect::<Result<_>>()?,
            published: 0,
            started: latency_stamp::now(),
            next_look: 0,
            tcp_before: tcp,
            tcp_most: tcp,
        })
    }

    /// Checks every tenth of a second whether the server has disconnected members. `sent` is the number of
    /// messages sent in this phase.
    pub fn check(&mut self, clients: &Clients, sent: u64) -> Result<()> {
        let now = latency_stamp::now();
        if self.members.is_empty() || now < self.next_look {
            return Ok(());
        }
        self.next_look = now + 100_000_000;
        self.tcp_most = self.tcp_most.max(kernel_tcp_kib());
        for member in self.members.iter_mut().filter(|member| member.cut.is_none()) {
            let stream = &clients.connections[member.index].stream;
            let mut fds = [PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::RDHUP)];
            if poll(&mut fds, Some(&rustix::event::Timespec::default()))? > 0 {
                let at = (now - self.started) as f64 / 1e9;
                member.cut = Some(Cut { at, published: self.published + sent });
            }
        }
        Ok(())
    }

    /// Reads the remaining bytes of each member: the end of the stream after them shows which members were
    /// disconnected. The bytes that the server held for a member in its queue and send buffer are those
    /// published until the disconnect, minus those received.
    pub fn report(&self, clients: &Clients, frame_bytes: u64) -> Result<Value> {
        let (mut ended, mut held) = (0, Vec::new());
        for member in &self.members {
            let (received, end) = drain(&clients.connections[member.index].stream)?;
            ended += u64::from(end);
            if let Some(cut) = &member.cut {
                held.push((cut.published * frame_bytes).saturating_sub(received) / 1024);
            }
        }
        let first = self.members.iter().filter_map(|member| member.cut.as_ref());
        Ok(json!({
            "members": self.members.len(),
            "cut": ended,
            "cut_at_once": held.len(),
            "first_cut_s": first.map(|cut| cut.at).reduce(f64::min),
            "held_kib_most": held.iter().max(),
            "tcp_kib_before": self.tcp_before,
            "tcp_kib_most": self.tcp_most,
        }))
    }
}

/// Reads the remaining bytes. Returns their number and whether the connection has ended.
fn drain(mut stream: &TcpStream) -> Result<(u64, bool)> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(QUIET))?;
    let (mut scratch, mut sum) = (vec![0; 1 << 20], 0);
    loop {
        match stream.read(&mut scratch) {
            Ok(0) => return Ok((sum, true)),
            Ok(length) => sum += length as u64,
            Err(error) => return Ok((sum, error.kind() != ErrorKind::WouldBlock)),
        }
    }
}
