//! Whose a stored state is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// The client, provider, issuer and token endpoint of a state. A state of another origin is
/// refused: its tokens would be sent to a server that must not see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(unnameable_types, reason = "part of the sealed half of `State`, for nobody else")]
pub struct Origin {
    pub(crate) client_id: String,
    pub(crate) provider: String,
    pub(crate) issuer: Option<String>,
    pub(crate) token_origin: String,
}

impl Origin {
    /// That `stored` is the same.
    pub(crate) fn check(self: &Arc<Self>, stored: &Arc<Self>) -> Result<(), Error> {
        if Arc::ptr_eq(stored, self) || stored == self {
            return Ok(());
        }
        let what = if stored.client_id != self.client_id {
            "client id"
        } else if stored.provider != self.provider {
            "provider"
        } else if stored.issuer != self.issuer {
            "issuer"
        } else {
            "token endpoint origin"
        };
        Err(Error::new(
            ErrorKind::ForeignState,
            format!("the stored state belongs to another {what} than this client's"),
        ))
    }
}
