//! Tokens as the payload of a record: the stored state of a flow, which names the client, provider
//! and origin that it belongs to.

use countersign_core::{Authorized, Client, TokenSet};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{TokenError, TokenErrorKind};
use crate::store::{Payload, Record};

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    grant: Authorized,
}

#[derive(Deserialize)]
struct Head {
    version: u32,
}

/// The payload of these tokens.
pub(super) fn write(client: &Client, tokens: &TokenSet) -> Result<Payload, TokenError> {
    let grant = client.adopt(tokens.clone()).into_state();
    // Grown step by step, so every buffer that is outgrown has to be wiped: hence the writer.
    let mut bytes = Growing(Zeroizing::new(Vec::with_capacity(1024)));
    serde_json::to_writer(&mut bytes, &Written { version: VERSION, grant })
        .map_err(|_| TokenError::new(TokenErrorKind::Unreadable))?;
    Ok(Payload::new(std::mem::take(&mut *bytes.0)))
}

/// The tokens of a record.
pub(super) fn read(client: &Client, record: &Record) -> Result<TokenSet, TokenError> {
    let unreadable = || TokenError::new(TokenErrorKind::Unreadable);
    let bytes = record.payload.as_bytes();
    let head: Head = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    if head.version != VERSION {
        return Err(unreadable());
    }
    let written: Written = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    let flow = client
        .resume(written.grant)
        .map_err(|refused| TokenError::of_provider(TokenErrorKind::Unreadable, refused.into()))?;
    Ok(flow.into_tokens())
}

/// A buffer whose former places are wiped when it moves.
struct Growing(Zeroizing<Vec<u8>>);

impl std::io::Write for Growing {
    fn write(&mut self, more: &[u8]) -> std::io::Result<usize> {
        let needed = self.0.len() + more.len();
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * self.0.capacity())));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
