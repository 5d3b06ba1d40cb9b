use bytes::Bytes;
use countersign_core::{Body, Delivery, TransportError, TransportErrorKind};

use crate::error::classify;

/// Reads a body of at most `limit` bytes, counted as they come out of decompression.
pub(crate) async fn read(
    response: &mut reqwest::Response,
    limit: usize,
) -> Result<Body, TransportError> {
    let mut chunks: Vec<Bytes> = Vec::new();
    let mut length = 0_usize;
    while let Some(chunk) = response.chunk().await.map_err(classify)? {
        length = length.saturating_add(chunk.len());
        if length > limit {
            return Err(TransportError::new(TransportErrorKind::TooLarge, Delivery::Unknown));
        }
        chunks.push(chunk);
    }
    Ok(join(chunks, length))
}

/// One chunk is passed on as it is: a copy would only be one more place with secrets in it.
/// Several are copied once, into a buffer that is wiped.
fn join(mut chunks: Vec<Bytes>, length: usize) -> Body {
    match chunks.pop() {
        None => Body::empty(),
        Some(only) if chunks.is_empty() => Body::from(only),
        Some(last) => {
            let mut whole = Vec::with_capacity(length);
            for chunk in chunks {
                whole.extend_from_slice(&chunk);
            }
            whole.extend_from_slice(&last);
            Body::from(whole)
        }
    }
}
