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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    alternates: Vec<Authorized>,
}

#[derive(Deserialize)]
struct Head {
    version: u32,
}

/// What a record keeps of a grant.
pub(super) struct Kept {
    pub(super) tokens: TokenSet,
    /// Answers that came when others had moved the generation, the latest first.
    alternates: Vec<TokenSet>,
}

/// A provider has given more only if more than three were at it at once.
const MOST_ALTERNATES: usize = 2;

impl Kept {
    /// The same, and one more alternate.
    pub(super) fn with_alternate(mut self, tokens: TokenSet) -> Self {
        self.alternates.insert(0, tokens);
        self.alternates.truncate(MOST_ALTERNATES);
        self
    }

    /// The first alternate in the place of the tokens, if there is one.
    pub(super) fn promoted(mut self) -> Option<Self> {
        let has_any = !self.alternates.is_empty();
        has_any.then(|| Self { tokens: self.alternates.remove(0), alternates: self.alternates })
    }
}

impl From<TokenSet> for Kept {
    fn from(tokens: TokenSet) -> Self {
        Self { tokens, alternates: Vec::new() }
    }
}

/// The payload of these tokens.
pub(super) fn write(client: &Client, kept: &Kept) -> Result<Payload, TokenError> {
    let state = |tokens: &TokenSet| client.adopt(tokens.clone()).into_state();
    let grant = state(&kept.tokens);
    let alternates = kept.alternates.iter().map(state).collect();
    // Grown step by step, so every buffer that is outgrown has to be wiped: hence the writer.
    let mut bytes = Growing(Zeroizing::new(Vec::with_capacity(1024)));
    serde_json::to_writer(&mut bytes, &Written { version: VERSION, grant, alternates })
        .map_err(|_| TokenError::new(TokenErrorKind::Unreadable))?;
    Ok(Payload::new(std::mem::take(&mut *bytes.0)))
}

/// The tokens of a record.
pub(super) fn read(client: &Client, record: &Record) -> Result<Kept, TokenError> {
    let unreadable = || TokenError::new(TokenErrorKind::Unreadable);
    let bytes = record.payload.as_bytes();
    let head: Head = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    if head.version != VERSION {
        return Err(unreadable());
    }
    let written: Written = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    let tokens = |grant: Authorized| match client.resume(grant) {
        Ok(flow) => Ok(flow.into_tokens()),
        Err(refused) => Err(TokenError::of_provider(TokenErrorKind::Unreadable, refused.into())),
    };
    Ok(Kept {
        tokens: tokens(written.grant)?,
        alternates: written.alternates.into_iter().map(tokens).collect::<Result<_, _>>()?,
    })
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
