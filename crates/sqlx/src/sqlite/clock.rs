//! The clock of a file, which all processes of a machine share.

use std::sync::{Arc, OnceLock};

use countersign_core::{Clock, SystemClock};
use countersign_tokens::{BootTime, StoreError, StoreErrorKind, StoreTime};
use sqlx::SqlitePool;

use crate::error::failed;

const READ: &str = "SELECT zero FROM countersign_clock WHERE boot_id = ?";

/// Stores the instant of the machine's start by the wall clock, but not so early that time would go
/// back behind the last write: a machine without a battery starts with any time. Reads every row,
/// once after each start.
const ANCHOR: &str = "INSERT INTO countersign_clock (boot_id, zero) VALUES (
    ?1, max(?2, (SELECT coalesce(max(written_at), ?2) FROM countersign_grants)) - ?3
) ON CONFLICT DO NOTHING";

#[derive(Clone)]
pub(super) enum StoreClock {
    Given(Arc<dyn Clock>),
    /// The instant of the machine's start, once it was read.
    Machine(Arc<OnceLock<StoreTime>>),
}

impl StoreClock {
    pub(super) fn given(clock: impl Clock) -> Self {
        Self::Given(Arc::new(clock))
    }

    /// Creates a clock of the time since the machine was started, or of the wall clock if the system
    /// does not have that time.
    pub(super) fn of_the_machine() -> Self {
        Self::Machine(Arc::default())
    }

    pub(super) async fn now(&self, pool: &SqlitePool) -> Result<StoreTime, StoreError> {
        let zero = match self {
            Self::Given(clock) => return Ok(read(&**clock)),
            Self::Machine(zero) => zero,
        };
        let zero = match zero.get() {
            Some(known) => Some(*known),
            None => anchored(pool).await?.map(|found| *zero.get_or_init(|| found)),
        };
        let since_boot = zero.zip(BootTime::elapsed()).map(|(zero, since)| zero.plus(since));
        Ok(since_boot.unwrap_or_else(|| read(&SystemClock)))
    }
}

/// Returns `None` if the system does not have the time since its start, or if the file cannot be
/// written: then no write depends on the time.
async fn anchored(pool: &SqlitePool) -> Result<Option<StoreTime>, StoreError> {
    let Some(boot) = BootTime::now() else { return Ok(None) };
    let known = || sqlx::query_scalar(READ).bind(boot.id.clone()).fetch_optional(pool);
    let mut zero: Option<i64> = known().await.map_err(failed)?;
    if zero.is_none() {
        let anchor = sqlx::query(ANCHOR)
            .bind(boot.id.clone())
            .bind(read(&SystemClock).as_millis())
            .bind(StoreTime::default().plus(boot.since).as_millis());
        match anchor.execute(pool).await.map_err(failed) {
            Err(error)
                if matches!(error.kind(), StoreErrorKind::ReadOnly | StoreErrorKind::Full) =>
            {
                return Ok(None);
            }
            anchored => anchored?,
        };
        zero = known().await.map_err(failed)?;
    }
    Ok(zero.map(StoreTime::from_millis))
}

fn read(clock: &dyn Clock) -> StoreTime {
    let now = clock.now();
    StoreTime::from_millis(now.unix_timestamp() * 1000 + i64::from(now.millisecond()))
}
