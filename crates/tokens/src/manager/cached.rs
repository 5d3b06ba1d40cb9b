//! An access token in memory, and until when it is what.

use std::time::Duration;

use countersign_core::{AccessToken, TokenSet};
use time::OffsetDateTime;

use super::Inner;
use super::timing::{fresh_until, margin, time_of};
use crate::store::Record;

/// An access token and until when it is what, by the clock of this process.
pub(super) struct Cached {
    pub(super) token: AccessToken,
    /// Until when it is handed out without a look at anything else.
    pub(super) quiet_until: Option<OffsetDateTime>,
    /// Until when it is good, less the margin.
    pub(super) fresh_until: Option<OffsetDateTime>,
    /// Whether it is in the store.
    pub(super) is_stored: bool,
}

impl Cached {
    pub(super) fn is_quiet(&self, now: OffsetDateTime) -> bool {
        self.quiet_until.is_none_or(|until| now < until)
    }

    pub(super) fn is_fresh(&self, now: OffsetDateTime) -> bool {
        self.fresh_until.is_none_or(|until| now < until)
    }
}

impl Inner {
    /// The tokens of a record. What remains of them is told by the store's clock, so that it does
    /// not matter how the clock of whoever stored them differs from this process's; and counted
    /// from when the store was asked, since its answer may have taken long.
    pub(super) fn cached(
        &self,
        record: &Record,
        tokens: &TokenSet,
        asked: OffsetDateTime,
    ) -> Cached {
        let from_then = |left: Duration| asked.checked_add(time_of(left));
        let left = record.expires_at.map(|at| at.since(record.read_at));
        let fresh_until = match left {
            Some(left) => from_then(left.saturating_sub(margin(&self.client, tokens))),
            None => fresh_until(&self.client, tokens),
        };
        let due_at = record.due_at.and_then(|at| from_then(at.since(record.read_at)));
        let quiet_until = due_at.into_iter().chain(fresh_until).min();
        let token = tokens.access_token().clone();
        Cached { token, quiet_until, fresh_until, is_stored: true }
    }

    /// Tokens that this process has had itself, and stored as this record.
    pub(super) fn stored(&self, record: &Record, tokens: &TokenSet) -> Cached {
        let due_in = record.due_at.map(|at| at.since(record.read_at));
        let due_at = due_in.and_then(|it| self.now().checked_add(time_of(it)));
        let unstored = self.unstored(tokens);
        let quiet_until = due_at.into_iter().chain(unstored.fresh_until).min();
        Cached { quiet_until, is_stored: true, ..unstored }
    }

    /// Tokens that this process has had itself, and that are in memory alone.
    pub(super) fn unstored(&self, tokens: &TokenSet) -> Cached {
        let fresh_until = fresh_until(&self.client, tokens);
        let token = tokens.access_token().clone();
        Cached { token, quiet_until: fresh_until, fresh_until, is_stored: false }
    }
}
