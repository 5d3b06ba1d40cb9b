//! Values as columns hold them.

use std::time::Duration;

use countersign_tokens::{GrantState, StoreError};

use crate::error::damaged;

/// The longest time that is told apart from for ever: 146 million years.
const LONGEST: i64 = i64::MAX / 2;

/// Milliseconds.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).map_or(LONGEST, |it| it.min(LONGEST))
}

pub(crate) fn state_name(state: GrantState) -> &'static str {
    match state {
        GrantState::Live => "live",
        GrantState::Unknown => "unknown",
        GrantState::Reauthorize => "reauthorize",
        GrantState::Gone => "gone",
    }
}

pub(crate) fn state(name: &str) -> Result<GrantState, StoreError> {
    [GrantState::Live, GrantState::Unknown, GrantState::Reauthorize, GrantState::Gone]
        .into_iter()
        .find(|it| state_name(*it) == name)
        .ok_or_else(|| damaged("the column `state` has an unknown value"))
}

/// The bytes of an epoch or an attempt.
pub(crate) fn id(bytes: &[u8]) -> Result<[u8; 16], StoreError> {
    bytes.try_into().map_err(|_| damaged("an id has another length than 16 bytes"))
}

pub(crate) fn count(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| damaged("a number that counts is negative"))
}
