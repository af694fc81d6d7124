//! The sites that a server under test can reach, by name. The guard of the product is between them and the server, so
//! each has a public address.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use async_trait::async_trait;
use patio::outgoing::{HttpClient, Network};

/// Clones are the same internet.
#[derive(Clone, Default)]
pub struct Internet(Arc<Sites>);

#[derive(Default)]
struct Sites {
    names: Mutex<HashMap<String, IpAddr>>,
    servers: Mutex<HashMap<IpAddr, SocketAddr>>,
    /// Where the server under test connected to.
    connections: Mutex<Vec<SocketAddr>>,
}

/// A page or picture.
#[derive(Clone)]
pub struct File {
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

/// A site: its files by path, and the heads of the requests that it received.
#[derive(Clone, Default)]
pub struct Site {
    files: Arc<Mutex<HashMap<String, File>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Internet {
    pub fn client(&self) -> HttpClient {
        HttpClient::on(Arc::new(self.clone()))
    }

    /// Adds a site with a public address.
    pub fn site(&self, name: &str) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut servers = self.0.servers.lock().expect("a lock");
        let number = u8::try_from(servers.len() + 1).expect("a few sites");
        let address = IpAddr::V4(Ipv4Addr::new(93, 184, 216, number));
        servers.insert(address, listener.local_addr().expect("an address"));
        self.0.names.lock().expect("a lock").insert(name.to_owned(), address);
        let site = Site::default();
        let serving = site.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                // The client may be gone.
                serving.answer(&mut stream.expect("a connection")).ok();
            }
        });
        site
    }

    /// The connections so far.
    pub fn connections(&self) -> Vec<SocketAddr> {
        self.0.connections.lock().expect("a lock").clone()
    }
}

#[async_trait]
impl Network for Internet {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = self.0.names.lock().expect("a lock").get(name).copied();
        found.map(|address| vec![address]).ok_or_else(|| io::Error::other("no such name"))
    }

    async fn connect(&self, addresses: &[SocketAddr]) -> io::Result<tokio::net::TcpStream> {
        let first = addresses.first().copied().ok_or_else(|| io::Error::other("no address"))?;
        self.0.connections.lock().expect("a lock").push(first);
        let server = self.0.servers.lock().expect("a lock").get(&first.ip()).copied();
        // The operator's services are on this machine.
        let server = server.or(first.ip().is_loopback().then_some(first));
        let server = server.ok_or_else(|| io::Error::other("no server"))?;
        tokio::net::TcpStream::connect(server).await
    }
}

impl Site {
    pub fn put(&self, path: &str, content_type: &'static str, bytes: impl Into<Vec<u8>>) {
        let file = File { content_type, bytes: bytes.into() };
        self.files.lock().expect("a lock").insert(path.to_owned(), file);
    }

    /// Adds a page with this head.
    pub fn page(&self, path: &str, head: &str) {
        let html = format!("<!doctype html><html><head>{head}</head><body>text</body></html>");
        self.put(path, "text/html; charset=utf-8", html);
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("a lock").clone()
    }

    /// The paths of all requests so far.
    pub fn paths(&self) -> Vec<String> {
        let path = |head: &String| head.split(' ').nth(1).unwrap_or_default().to_owned();
        self.heads().iter().map(path).collect()
    }

    fn answer(&self, stream: &mut TcpStream) -> io::Result<()> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? == 1 {
            head.extend(byte);
        }
        let head = String::from_utf8(head).expect("text");
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        self.heads.lock().expect("a lock").push(head);
        let file = self.files.lock().expect("a lock").get(&path).cloned();
        match file {
            Some(File { content_type, bytes }) => {
                let length = bytes.len();
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
                )?;
                stream.write_all(&bytes)
            }
            None => write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        }
    }
}
