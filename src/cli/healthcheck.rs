//! `patio healthcheck`: checks whether the server on this host answers. For containers without a
//! shell.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::config::Address;
use crate::http::listener;

const WITHIN: Duration = Duration::from_secs(3);

pub(super) fn run(address: &Address) -> anyhow::Result<()> {
    let ip = match address.listen {
        everywhere if everywhere.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
        one => one,
    };
    let address = SocketAddr::new(ip, address.port);
    let stand_in = listener::stand_in(address.port()).map(|port| SocketAddr::new(ip, port));
    let answer = ask(address)
        .or_else(|error| stand_in.map_or(Err(error), ask))
        .with_context(|| format!("no answer from {address}"))?;
    if !answer.starts_with("HTTP/1.1 200 ") {
        bail!("{address} answers: {}", answer.lines().next().unwrap_or("nothing"));
    }
    Ok(())
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, WITHIN)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.write_all(
        format!("GET /up HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer)?;
    Ok(answer)
}
