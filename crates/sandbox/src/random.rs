//! Unguessable strings.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 32 random bytes in base64url, 43 characters.
#[expect(clippy::disallowed_methods, reason = "a server's secrets have no seed")]
pub(crate) fn token() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// 20 random bytes in hexadecimal, as HelloSign writes account ids.
#[expect(clippy::disallowed_methods, reason = "a server's secrets have no seed")]
pub(crate) fn account_id() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 20];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
