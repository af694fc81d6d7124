//! Members that come in and then never read, and what becomes of them.

use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::os::fd::AsFd as _;
use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::event::{PollFd, PollFlags, poll};
use serde_json::{Value, json};
use socket2::SockRef;

use crate::crowd::Crowd;
use crate::process::kernel_tcp_kib;
use crate::stamp;

/// Bytes that the kernel keeps for a member that does not read.
const WINDOW: usize = 16 * 1024;
/// When nothing has come for so long, there is nothing left.
const QUIET: Duration = Duration::from_millis(500);

pub struct Slow {
    members: Vec<Member>,
    /// Messages that were sent to the room in the phases before this one.
    pub published: u64,
    begun: u64,
    next_look: u64,
    tcp_before: u64,
    tcp_most: u64,
}

struct Member {
    index: usize,
    cut: Option<Cut>,
}

/// When the server was seen to have cut a connection.
struct Cut {
    /// Seconds from the beginning.
    at: f64,
    /// Messages that the room had got by then.
    published: u64,
}

impl Slow {
    /// From now on the last so many connections read nothing.
    pub fn begin(crowd: &Crowd, count: usize) -> Result<Self> {
        let all = crowd.connections.len();
        ensure!(count < all, "somebody has to read");
        let members = (all - count..all).map(|index| {
            crowd.stop_reading(index)?;
            // A small window, as over a poor line; else the kernel takes megabytes for it.
            SockRef::from(&crowd.connections[index].stream).set_recv_buffer_size(WINDOW)?;
            Ok(Member { index, cut: None })
        });
        let tcp = kernel_tcp_kib();
        Ok(Self {
            members: members.collect::<Result<_>>()?,
            published: 0,
            begun: stamp::now(),
            next_look: 0,
            tcp_before: tcp,
            tcp_most: tcp,
        })
    }

    /// Looks every tenth of a second whether the server has cut some of them, so many messages
    /// into this phase.
    pub fn look(&mut self, crowd: &Crowd, sent: u64) -> Result<()> {
        let now = stamp::now();
        if self.members.is_empty() || now < self.next_look {
            return Ok(());
        }
        self.next_look = now + 100_000_000;
        self.tcp_most = self.tcp_most.max(kernel_tcp_kib());
        for member in self.members.iter_mut().filter(|member| member.cut.is_none()) {
            let stream = &crowd.connections[member.index].stream;
            let mut fds = [PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::RDHUP)];
            if poll(&mut fds, Some(&rustix::event::Timespec::default()))? > 0 {
                let at = (now - self.begun) as f64 / 1e9;
                member.cut = Some(Cut { at, published: self.published + sent });
            }
        }
        Ok(())
    }

    /// Reads what is left for each: the end of the stream shows who was cut after all, behind
    /// bytes that the kernel still kept. What the server held for somebody at the cut, in its queue
    /// and its send buffer, is what the room was told until then less what had come over.
    pub fn report(&self, crowd: &Crowd, frame_bytes: u64) -> Result<Value> {
        let (mut ended, mut held) = (0, Vec::new());
        for member in &self.members {
            let (received, end) = drain(&crowd.connections[member.index].stream)?;
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

/// Reads what comes still. Answers the bytes, and whether the connection is at its end.
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
