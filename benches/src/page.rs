//! Pages over persistent HTTP connections: as fast as possible, or at a fixed rate.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::histogram::Histogram;
use crate::latency_stamp;
use crate::process::Server;

#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The path to request.
    #[arg(long)]
    pub path: String,
    /// The session cookie, as `name=value`.
    #[arg(long)]
    pub cookie: String,
    #[arg(long, default_value_t = 8)]
    pub connections: u32,
    /// Requests per second over all connections. Without it, each connection repeats immediately.
    #[arg(long)]
    pub rate: Option<f64>,
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Text that every page must contain at least `times` times.
    #[arg(long, default_value = "<html")]
    pub holds: String,
    #[arg(long, default_value_t = 1)]
    pub times: usize,
}

pub fn run(target: SocketAddr, server: &Server, options: &Options) -> Result<Value> {
    let mut clients = (0..options.connections)
        .map(|_| HttpClient::new(target, options))
        .collect::<Result<Vec<_>>>()?;
    let mut bytes = 0;
    for client in &mut clients {
        let page = client.request_page()?;
        let found = memchr::memmem::find_iter(&page, options.holds.as_bytes()).count();
        let wanted = options.times;
        ensure!(found >= wanted, "the page holds {:?} {found} times, not {wanted}", options.holds);
        bytes = page.len();
    }
    let (started, used) = (latency_stamp::now(), server.usage()?);
    let times = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..)
            .zip(&mut clients)
            .map(|(number, client)| {
                scope.spawn(move || client.run_until_end(number, started, options))
            })
            .collect();
        let all = threads.into_iter().map(|thread| match thread.join() {
            Ok(times) => times,
            Err(_) => bail!("a client thread ended"),
        });
        all.collect::<Result<Vec<_>>>()
    })?;
    let seconds = (latency_stamp::now() - started) as f64 / 1e9;
    let usage = server.usage()? - used;
    let mut all = Histogram::default();
    for times in &times {
        all.merge(times);
    }
    Ok(json!({
        "requests": all.count(),
        "page_bytes": bytes,
        "per_second": all.count() as f64 / seconds,
        "per_cpu_second": all.count() as f64 / usage.seconds(),
        "latency": all.report(),
        "cpu_per_request": usage.per(all.count()),
    }))
}

struct HttpClient {
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
}

impl HttpClient {
    fn new(target: SocketAddr, options: &Options) -> Result<Self> {
        let stream = TcpStream::connect(target)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {target}\r\nCookie: {}\r\nAccept: text/html\r\n\
             Accept-Language: en\r\n\r\n",
            options.path, options.cookie
        );
        Ok(Self { stream: BufReader::new(stream), request: request.into_bytes() })
    }

    /// Requests pages until the end. With a rate, the clients take turns, and a request is measured from when
    /// it was due.
    fn run_until_end(&mut self, number: u32, started: u64, options: &Options) -> Result<Histogram> {
        let mut times = Histogram::default();
        for turn in 0_u32.. {
            let now = Duration::from_nanos(latency_stamp::now() - started);
            let due = options.rate.map_or(now, |rate| {
                let position = f64::from(turn) * f64::from(options.connections) + f64::from(number);
                Duration::from_secs_f64(position / rate)
            });
            if due.as_secs_f64() >= options.seconds {
                break;
            }
            std::thread::sleep(due.saturating_sub(now));
            self.request_page()?;
            let due = started + u64::try_from(due.as_nanos())?;
            times.add(latency_stamp::now().saturating_sub(due));
        }
        Ok(times)
    }

    /// Sends one request and reads the whole response.
    fn request_page(&mut self) -> Result<Vec<u8>> {
        self.stream.get_mut().write_all(&self.request)?;
        let status = self.line()?;
        ensure!(status.starts_with("HTTP/1.1 200"), "the page returned {status}");
        let (mut length, mut chunked) = (None, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(':') {
                None => break,
                Some(("content-length", value)) => length = Some(value.trim().parse()?),
                Some(("transfer-encoding", value)) => chunked = value.contains("chunked"),
                Some(_) => {}
            }
        }
        let mut body = Vec::new();
        if chunked {
            loop {
                let size = usize::from_str_radix(&self.line()?, 16)?;
                self.read_on(&mut body, size)?;
                self.line()?;
                if size == 0 {
                    break;
                }
            }
        } else {
            self.read_on(&mut body, length.context("an answer with a length")?)?;
        }
        Ok(body)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.stream.read_line(&mut line)? > 0, "the server closed");
        Ok(line.trim_end().to_owned())
    }

    fn read_on(&mut self, body: &mut Vec<u8>, size: usize) -> Result<()> {
        let begin = body.len();
        body.resize(begin + size, 0);
        Ok(self.stream.read_exact(&mut body[begin..])?)
    }
}
