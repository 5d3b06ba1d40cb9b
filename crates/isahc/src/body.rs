use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use countersign_core::{Body, BodyCollector, Limits, TransportError};
use futures_lite::AsyncRead;
use isahc::AsyncBody;

use crate::error::of_reading;

/// Whether libcurl has asked for the body of a request, which it does before it sends a byte.
#[derive(Clone, Default)]
pub(crate) struct Asked(Arc<AtomicBool>);

impl Asked {
    pub(crate) fn was(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// A body that can be read once: given bytes, isahc would rewind them and have libcurl send them
/// again when a connection that it had kept closes without an answer.
pub(crate) fn once(body: Body) -> (AsyncBody, Asked) {
    let asked = Asked::default();
    let length = body.len() as u64;
    let reader = Once { bytes: body.into_bytes(), asked: asked.clone() };
    (AsyncBody::from_reader_sized(reader, length), asked)
}

struct Once {
    bytes: Bytes,
    asked: Asked,
}

impl AsyncRead for Once {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.asked.0.store(true, Ordering::SeqCst);
        let length = into.len().min(self.bytes.len());
        self.bytes.copy_to_slice(&mut into[..length]);
        Poll::Ready(Ok(length))
    }
}

/// How much room a piece gets: for the rest of the body where its length was told, and for a little
/// more than a token where it was not. Room that is not needed is cleared and wiped all the same.
fn room(left: Option<u64>) -> usize {
    const MOST: u64 = 8 * 1024;
    let room = left.map_or(1024, |left| left.clamp(64, MOST));
    usize::try_from(room).unwrap_or(1024)
}

/// Reads a body, counted as it comes out of decompression.
pub(crate) async fn read(body: &mut AsyncBody, limits: Limits) -> Result<Body, TransportError> {
    let mut collected = BodyCollector::new(limits);
    let mut left = body.len();
    loop {
        let mut piece = vec![0; room(left)];
        let read = poll_fn(|context| Pin::new(&mut *body).poll_read(context, &mut piece));
        let length = read.await.map_err(of_reading)?;
        if length == 0 {
            return Ok(collected.finish());
        }
        left = left.map(|left| left.saturating_sub(length as u64));
        piece.truncate(length);
        // By way of a body, so that it is wiped.
        collected.push(Body::from(piece).into_bytes())?;
    }
}
