//! A connection between Patio and a service that a test can cut.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// No connection is made, and those that were are closed.
    Cut,
    /// Answers stop after this number of bytes each.
    Held(usize),
}

#[derive(Clone)]
pub struct Proxy {
    pub address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Proxy {
    /// Starts one before the service at this address.
    pub fn before(service: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let proxy = Self { address, state: Arc::new((Mutex::new(State::Open), Condvar::new())) };
        let serving = proxy.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                // Either side may be gone.
                serving.join(client.expect("a connection"), service).ok();
            }
        });
        proxy
    }

    pub fn cut(&self) {
        self.set(State::Cut);
    }

    pub fn open(&self) {
        self.set(State::Open);
    }

    /// Lets answers have this number of bytes until the proxy is open again.
    pub fn hold_after(&self, bytes: usize) {
        self.set(State::Held(bytes));
    }

    fn set(&self, state: State) {
        *self.state.0.lock().expect("a lock") = state;
        self.state.1.notify_all();
    }

    fn state(&self) -> State {
        *self.state.0.lock().expect("a lock")
    }

    fn join(&self, client: TcpStream, service: SocketAddr) -> io::Result<()> {
        if self.state() == State::Cut {
            return client.shutdown(Shutdown::Both);
        }
        let server = TcpStream::connect(service)?;
        let (from, to) = (client.try_clone()?, server.try_clone()?);
        let (requests, answers) = (self.clone(), self.clone());
        thread::spawn(move || requests.copy(from, to, false).ok());
        thread::spawn(move || answers.copy(server, client, true).ok());
        Ok(())
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream, is_answer: bool) -> io::Result<()> {
        let (mut buffer, mut passed) = ([0; 16 * 1024], 0);
        loop {
            let read = from.read(&mut buffer)?;
            if read == 0 {
                return to.shutdown(Shutdown::Both);
            }
            let held = |state: &mut State| {
                is_answer && matches!(*state, State::Held(most) if passed >= most)
            };
            let state = self.state.0.lock().expect("a lock");
            let state = *self.state.1.wait_while(state, held).expect("a lock");
            if state == State::Cut {
                from.shutdown(Shutdown::Both)?;
                return to.shutdown(Shutdown::Both);
            }
            to.write_all(buffer.get(..read).unwrap_or_default())?;
            // What passed before does not count.
            passed = if matches!(state, State::Held(_)) { passed + read } else { 0 };
        }
    }
}
