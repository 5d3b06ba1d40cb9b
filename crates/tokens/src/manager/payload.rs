//! The payload of a record: the tokens of a grant, sealed or not.

use std::collections::BTreeMap;

use countersign_core::{Authorized, Client, TokenSet};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::error::{TokenError, TokenErrorKind};
use crate::key::GrantKey;
use crate::rules::Origin;
#[cfg(feature = "sealed")]
use crate::sealed::KeyRing;
use crate::store::{Payload, Randomness, Record, StoreError, StoreErrorKind};

/// The tokens of a grant.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    /// The refresh token, and the access token that came with it.
    pub(super) main: TokenSet,
    /// Access tokens for other scopes and resources.
    others: Vec<(Audience, TokenSet)>,
    /// Answers that were superseded by the tokens of another process, the latest first. One of
    /// them may be the one that the provider takes.
    superseded: Vec<TokenSet>,
    /// Further secrets by name, such as the key that proves the possession of the tokens.
    values: BTreeMap<String, Zeroizing<String>>,
}

/// The most superseded answers: a provider has given more only if more than three processes asked
/// at once.
const MOST_SUPERSEDED: usize = 2;

/// What an access token is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Audience {
    scopes: Option<String>,
    resource: Option<String>,
}

/// How a grant is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Renewal {
    RefreshToken,
    /// By asking the user again.
    User,
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    renewal: Renewal,
    grant: Authorized,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    access_tokens: Vec<(Audience, Authorized)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    superseded: Vec<Authorized>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    values: BTreeMap<String, Zeroizing<String>>,
}

#[derive(Deserialize)]
struct Head {
    version: u32,
}

const VERSION: u32 = 2;

impl From<TokenSet> for Tokens {
    fn from(main: TokenSet) -> Self {
        Self { main, others: Vec::new(), superseded: Vec::new(), values: BTreeMap::new() }
    }
}

impl Tokens {
    /// Returns whether the grant can be refreshed.
    pub(super) fn can_refresh(&self) -> bool {
        self.main.refresh_token().is_some()
    }

    /// Replaces the main tokens by those of a refresh. Scopes that the provider does not name are
    /// unchanged (RFC 6749 section 6).
    pub(super) fn refreshed(&self, fresh: TokenSet) -> Self {
        let main = match (fresh.scopes(), self.main.scopes()) {
            (None, Some(scopes)) => fresh.with_scopes(scopes.clone()),
            _ => fresh,
        };
        Self { main, superseded: Vec::new(), ..self.clone() }
    }

    /// Adds a superseded answer. Returns `None` if there is nothing to keep: it has no refresh
    /// token, or the same one.
    pub(super) fn with_superseded(mut self, answer: TokenSet) -> Option<Self> {
        let token = answer.refresh_token()?;
        if self.main.refresh_token().is_some_and(|it| it.same_as(token)) {
            return None;
        }
        self.superseded.insert(0, answer);
        self.superseded.truncate(MOST_SUPERSEDED);
        Some(self)
    }

    /// Puts the latest superseded answer in the place of the main tokens, if there is one.
    pub(super) fn promoted(&self) -> Option<Self> {
        let (main, rest) = self.superseded.split_first()?;
        Some(Self { main: main.clone(), superseded: rest.to_vec(), ..self.clone() })
    }

    /// Returns the instants at which the access tokens expire, with the main one first.
    pub(super) fn expiries(&self) -> impl Iterator<Item = &TokenSet> {
        std::iter::once(&self.main).chain(self.others.iter().map(|(_, tokens)| tokens))
    }

    /// Returns whether these tokens were requested after `other`.
    pub(super) fn are_newer_than(&self, other: &Self) -> bool {
        let requested = |it: &Self| -> OffsetDateTime { it.main.requested_at() };
        requested(self) > requested(other)
    }
}

/// Writes and reads payloads.
#[derive(Debug, Default)]
pub(super) struct Codec {
    #[cfg(feature = "sealed")]
    pub(super) ring: Option<KeyRing>,
}

impl Codec {
    /// Returns the payload of `tokens` for the record of `origin` under `key`, and the id of the
    /// key that seals it.
    pub(super) fn write(
        &self,
        client: &Client,
        key: &GrantKey,
        origin: Origin,
        tokens: &Tokens,
        randomness: &dyn Randomness,
    ) -> Result<(Payload, Option<String>), TokenError> {
        let state = |tokens: &TokenSet| client.adopt(tokens.clone()).into_state();
        let renewal = if tokens.can_refresh() { Renewal::RefreshToken } else { Renewal::User };
        let others = tokens.others.iter().map(|(audience, it)| (audience.clone(), state(it)));
        let written = Written {
            version: VERSION,
            renewal,
            grant: state(&tokens.main),
            access_tokens: others.collect(),
            superseded: tokens.superseded.iter().map(state).collect(),
            values: tokens.values.clone(),
        };
        // The buffer grows, and each buffer that is outgrown has to be wiped: hence the writer.
        let mut bytes = Growing(Zeroizing::new(Vec::with_capacity(1024)));
        serde_json::to_writer(&mut bytes, &written)
            .map_err(|_| TokenError::new(TokenErrorKind::Unreadable))?;
        Ok(self.seal(key, origin, Payload::new(std::mem::take(&mut *bytes.0)), randomness)?)
    }

    /// Returns the tokens of `record`.
    pub(super) fn read(
        &self,
        client: &Client,
        key: &GrantKey,
        record: &Record,
    ) -> Result<Tokens, TokenError> {
        let unreadable = |_| TokenError::new(TokenErrorKind::Unreadable);
        let payload = self.open(key, record)?;
        let head: Head = serde_json::from_slice(payload.as_bytes()).map_err(unreadable)?;
        if head.version != VERSION {
            return Err(TokenError::new(TokenErrorKind::Unreadable));
        }
        let written: Written = serde_json::from_slice(payload.as_bytes()).map_err(unreadable)?;
        let tokens = |grant: Authorized| match client.resume(grant) {
            Ok(flow) => Ok(flow.into_tokens()),
            Err(refused) => {
                Err(TokenError::of_provider(TokenErrorKind::Unreadable, refused.into()))
            }
        };
        let other = |(it, grant)| Ok::<_, TokenError>((it, tokens(grant)?));
        let others = written.access_tokens.into_iter().map(other);
        Ok(Tokens {
            main: tokens(written.grant)?,
            others: others.collect::<Result<_, _>>()?,
            superseded: written.superseded.into_iter().map(tokens).collect::<Result<_, _>>()?,
            values: written.values,
        })
    }

    fn seal(
        &self,
        key: &GrantKey,
        origin: Origin,
        payload: Payload,
        randomness: &dyn Randomness,
    ) -> Result<(Payload, Option<String>), StoreError> {
        #[cfg(feature = "sealed")]
        if let Some(ring) = &self.ring {
            let (sealed, id) = ring.seal(key, origin, &payload, randomness)?;
            return Ok((sealed, Some(id)));
        }
        let _ = (key, origin, randomness);
        Ok((payload, None))
    }

    fn open(&self, key: &GrantKey, record: &Record) -> Result<Payload, StoreError> {
        #[cfg(feature = "sealed")]
        if let Some(ring) = &self.ring {
            return ring.open(key, record);
        }
        let _ = key;
        match &record.key_id {
            None => Ok(record.payload.clone()),
            Some(id) => Err(StoreError::new(StoreErrorKind::UnknownKey).with_source(format!(
                "the key `{id}` seals the record: give the manager a ring that has it, by \
                 `TokenManagerBuilder::sealed_by` (feature `sealed`)"
            ))),
        }
    }

    /// Returns whether the payload of `record` is sealed by the current key, or not to be sealed.
    #[cfg(feature = "sealed")]
    pub(super) fn is_current(&self, record: &Record) -> bool {
        self.ring.as_ref().is_none_or(|ring| record.key_id.as_deref() == Some(ring.current()))
    }
}

/// A buffer that wipes the former place of its bytes when it moves.
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
