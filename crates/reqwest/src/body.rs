use countersign_core::{Body, BodyCollector, Limits, TransportError};

use crate::error::classify;

/// Reads a body, counted as it comes out of decompression.
pub(crate) async fn read(
    response: &mut reqwest::Response,
    limits: Limits,
) -> Result<Body, TransportError> {
    let mut body = BodyCollector::new(limits);
    while let Some(chunk) = response.chunk().await.map_err(classify)? {
        body.push(chunk)?;
    }
    Ok(body.finish())
}
