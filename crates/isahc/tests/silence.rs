//! Guarantee G5: what isahc and libcurl log shows no secret, at the most talkative level.
//!
//! One test in a process of its own: it hears every thread of it.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use countersign_core::{Body, Limits, Transport};
use countersign_isahc::IsahcTransport;
use futures_lite::future::block_on;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Heard {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn g05_nothing_that_is_sent_or_answered_is_logged() -> Result<(), Box<dyn Error>> {
    let heard = Heard::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(heard.clone())
        .try_init()
        .map_err(|error| error.to_string())?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/cAnArY-path?cAnArY-query", listener.local_addr()?);
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\nx-h: cAnArY-header\r\ncontent-length: 6\r\n\r\ncAnArY",
            );
        }
    });
    let transport = IsahcTransport::new()?;
    for body in [Body::empty(), Body::from(b"cAnArY-body".to_vec())] {
        let request = http::Request::post(&url).header("authorization", "Bearer cAnArY");
        let answer = block_on(transport.send(request.body(body)?, Limits::default()))?;
        assert_eq!(answer.body().as_bytes(), b"cAnArY");
    }
    drop(transport);
    let heard = heard.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let text = String::from_utf8_lossy(&heard);
    assert!(text.contains("isahc"), "nothing was heard: the test is deaf");
    assert!(!text.contains("cAnArY"), "a secret was logged:\n{text}");
    Ok(())
}
