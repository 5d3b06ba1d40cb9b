//! Random values for a new flow.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};

/// 256 random bits as base64url: 43 characters.
pub(crate) const CHARS: usize = 43;

const BYTES: usize = 32;

/// Text of 256 random bits, on the stack and wiped.
pub(crate) type RandomText = Zeroizing<[u8; CHARS]>;

/// Draws the two secrets of a flow, `state` and PKCE verifier, in one system call: each call costs
/// more than all that is done with its bytes.
#[expect(clippy::disallowed_methods, reason = "the one place of this crate that draws")]
pub(crate) fn draw_two() -> Result<(RandomText, RandomText), Error> {
    let mut bytes = Zeroizing::new([0_u8; 2 * BYTES]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| {
        Error::new(
            ErrorKind::Randomness,
            "the operating system gave no random bytes, and a flow cannot begin without them",
        )
        .with_source(error)
    })?;
    let (first, second) = bytes.split_at(BYTES);
    Ok((encode(first), encode(second)))
}

/// base64url without padding, of 32 bytes.
pub(crate) fn encode(bytes: &[u8]) -> RandomText {
    let mut text = Zeroizing::new([0_u8; CHARS]);
    // 32 bytes always fill 43 characters, so there is no error to report.
    let _ = URL_SAFE_NO_PAD.encode_slice(bytes, text.as_mut_slice());
    text
}

/// The characters of a [`RandomText`].
pub(crate) fn as_str(text: &RandomText) -> &str {
    std::str::from_utf8(text.as_slice()).unwrap_or_default()
}
