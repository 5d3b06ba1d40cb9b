//! A server that counts connections and requests, and never judges them.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Answers whatever comes, on as many connections as come.
pub(crate) struct Server {
    pub(crate) origin: String,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    heads: Vec<String>,
}

impl Server {
    /// One that always says the same.
    pub(crate) fn saying(answer: impl Into<Vec<u8>>) -> io::Result<Self> {
        let answer = answer.into();
        Self::start(move |_| answer.clone())
    }

    /// One whose answers depend on the head of the request.
    pub(crate) fn start(
        answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let origin = format!("http://{}", listener.local_addr()?);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (answer, record) = (Arc::new(answer), Arc::clone(&seen));
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                lock(&record).connections += 1;
                let (answer, record) = (Arc::clone(&answer), Arc::clone(&record));
                thread::spawn(move || converse(stream, &*answer, &record));
            }
        });
        Ok(Self { origin, seen })
    }

    pub(crate) fn connections(&self) -> usize {
        lock(&self.seen).connections
    }

    /// The heads of the requests that arrived.
    pub(crate) fn heads(&self) -> Vec<String> {
        lock(&self.seen).heads.clone()
    }
}

fn converse(
    stream: TcpStream,
    answer: &dyn Fn(&str) -> Vec<u8>,
    record: &Mutex<Seen>,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let head = head.to_ascii_lowercase();
        lock(record).heads.push(head.clone());
        let length = header(&head, "content-length").and_then(|it| it.parse().ok());
        // Who expects to be told to go on is answered before the body.
        if header(&head, "expect").is_none() {
            io::copy(&mut (&mut reader).take(length.unwrap_or_default()), &mut io::sink())?;
        }
        writer.write_all(&answer(&head))?;
    }
}

/// A header of a head in lower case.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    headers.find(|(found, _)| *found == name).map(|(_, value)| value.trim())
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
