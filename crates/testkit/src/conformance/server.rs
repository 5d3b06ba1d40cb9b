//! A server on a plain socket: a thread for each connection, and a record of what arrived.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::conformance::conversation::{Conversation, PATIENCE};
use crate::conformance::seen::Seen;
use crate::verdict::Broken;

/// A server of the suite. Ends with its connections when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    record: Arc<Record>,
    stopping: Arc<AtomicBool>,
}

/// What has arrived.
#[derive(Default)]
pub(crate) struct Record {
    log: Mutex<Log>,
    changed: Condvar,
}

#[derive(Default)]
struct Log {
    /// Those that are still open; a place for each that was ever made.
    connections: Vec<Option<TcpStream>>,
    requests: Vec<Seen>,
    /// Whether someone has waited for requests in vain.
    impatient: bool,
}

impl Server {
    /// Has `serve` talk to each connection, on a thread of its own. What goes wrong there is seen
    /// in the record, or in what the client makes of it.
    pub(crate) fn start(
        serve: impl Fn(&mut Conversation) -> io::Result<()> + Send + Sync + 'static,
    ) -> Result<Self, Broken> {
        Self::start_counting(move |conversation, _| serve(conversation))
    }

    /// The same; `serve` is told the number of the connection, from 0.
    pub(crate) fn start_counting(
        serve: impl Fn(&mut Conversation, usize) -> io::Result<()> + Send + Sync + 'static,
    ) -> Result<Self, Broken> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let record = Arc::new(Record::default());
        let stopping = Arc::new(AtomicBool::new(false));
        let (log, stop, serve) = (Arc::clone(&record), Arc::clone(&stopping), Arc::new(serve));
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(number) = log.connected(&stream) else { continue };
                let (serve, log) = (Arc::clone(&serve), Arc::clone(&log));
                thread::spawn(move || {
                    let talk = Conversation::new(stream, Arc::clone(&log));
                    let _ = talk.and_then(|mut conversation| serve(&mut conversation, number));
                    // The record has the connection too: only now is it closed.
                    log.closed(number);
                });
            }
        });
        Ok(Self { address, record, stopping })
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn connections(&self) -> usize {
        self.record.log().connections.len()
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.record.log().requests.clone()
    }

    /// The one request that there should have been.
    pub(crate) fn only_request(&self) -> Result<Seen, Broken> {
        let mut requests = self.requests();
        match (requests.pop(), requests.is_empty()) {
            (Some(request), true) => Ok(request),
            (Some(_), false) => {
                Err(Broken::new(format!("sent {} requests, not one", requests.len() + 1)))
            }
            (None, _) => Err(Broken::new("no whole request arrived")),
        }
    }
}

impl Record {
    fn connected(&self, stream: &TcpStream) -> io::Result<usize> {
        let stream = stream.try_clone()?;
        let mut log = self.log();
        log.connections.push(Some(stream));
        Ok(log.connections.len() - 1)
    }

    pub(crate) fn note(&self, request: Seen) {
        self.log().requests.push(request);
        self.changed.notify_all();
    }

    /// Closes the connection for good.
    fn closed(&self, number: usize) {
        let stream = self.log().connections.get_mut(number).and_then(Option::take);
        drop(stream);
    }

    /// Whether this many requests arrive before the patience ends.
    pub(crate) fn gathers(&self, requests: usize) -> bool {
        let missing = |log: &mut Log| log.requests.len() < requests && !log.impatient;
        let waited = self.changed.wait_timeout_while(self.log(), PATIENCE, missing);
        let mut log = waited.unwrap_or_else(PoisonError::into_inner).0;
        // Nobody waits where another one has given up.
        log.impatient = log.requests.len() < requests;
        !log.impatient
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        for stream in self.record.log().connections.iter().flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}
