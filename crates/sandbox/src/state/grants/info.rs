//! What is shown of a grant: never a token.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::count::GrantCounts;

/// Names a grant. The first one of a sandbox is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GrantId(u64);

impl GrantId {
    pub(super) fn nth(already: usize) -> Self {
        Self(already as u64 + 1)
    }
}

/// The number.
impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// From the number, as the control routes show it.
impl From<u64> for GrantId {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

/// How a grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GrantStatus {
    /// The user has approved, the code has not been exchanged.
    Approved,
    /// It has tokens.
    Active,
    /// It was revoked: by reuse of a code or refresh token, or by a control.
    Revoked,
}

/// A grant as a test may see it, without any token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GrantInfo {
    /// Names it.
    pub id: GrantId,
    /// The e-mail address of the account that approved.
    pub account: String,
    /// The client it was given to.
    pub client_id: String,
    /// The scope that was granted.
    pub scope: Option<String>,
    /// How it stands.
    pub status: GrantStatus,
    /// When the user approved, in Unix seconds.
    pub issued_at: u64,
    /// When its newest access token expires, in Unix seconds.
    pub expires_at: Option<u64>,
    /// How often its refresh token was replaced.
    pub generation: u64,
    /// How many refreshes were carried out, whether or not the answer reached the client.
    pub refreshes: u64,
    /// How many of them were for a refresh token that had been replaced, within its grace window.
    pub replays: u64,
    /// How often a refresh token was sent that had been replaced, and was answered no more. The
    /// first such request has the grant revoked; later ones count too.
    pub reuses: u64,
    /// The requests that named it, since the counts were last reset.
    pub counts: GrantCounts,
}

impl GrantInfo {
    /// Whether its newest refresh token works.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.status == GrantStatus::Active
    }
}
