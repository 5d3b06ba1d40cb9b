//! The time of a file, on which all processes of a machine agree.

use std::sync::{Arc, OnceLock};

use countersign_core::{Clock, SystemClock};
use countersign_tokens::{BootTime, StoreError, StoreErrorKind, StoreTime};
use sqlx::SqlitePool;

use crate::error::failed;

const READ: &str = "SELECT zero FROM countersign_clock WHERE boot_id = ?";

/// The start of a boot by the wall clock, but not so early that time would go back behind what was
/// written before: a machine without a battery starts with any time. Looks at every grant, once.
const ANCHOR: &str = "INSERT INTO countersign_clock (boot_id, zero) VALUES (
    ?1, max(?2, (SELECT coalesce(max(written_at), ?2) FROM countersign_grants)) - ?3
) ON CONFLICT DO NOTHING";

#[derive(Clone)]
pub(super) enum StoreClock {
    Given(Arc<dyn Clock>),
    Machine { wall: Arc<dyn Clock>, zero: Arc<OnceLock<StoreTime>> },
}

impl StoreClock {
    pub(super) fn given(clock: impl Clock) -> Self {
        Self::Given(Arc::new(clock))
    }

    /// The time since the machine was started, or the wall clock where that is not told.
    pub(super) fn of_the_machine() -> Self {
        Self::Machine { wall: Arc::new(SystemClock), zero: Arc::default() }
    }

    pub(super) async fn now(&self, pool: &SqlitePool) -> Result<StoreTime, StoreError> {
        let (wall, zero) = match self {
            Self::Given(clock) => return Ok(read(&**clock)),
            Self::Machine { wall, zero } => (wall, zero),
        };
        let zero = match zero.get() {
            Some(known) => Some(*known),
            None => anchored(pool, &**wall).await?.map(|found| *zero.get_or_init(|| found)),
        };
        let since_boot = zero.zip(BootTime::elapsed()).map(|(zero, since)| zero.plus(since));
        Ok(since_boot.unwrap_or_else(|| read(&**wall)))
    }
}

/// `None` where the system does not tell, and where nothing can be written, so that nothing is
/// decided by the time.
async fn anchored(pool: &SqlitePool, wall: &dyn Clock) -> Result<Option<StoreTime>, StoreError> {
    let Some(boot) = BootTime::now() else { return Ok(None) };
    let known = || sqlx::query_scalar(READ).bind(boot.id.clone()).fetch_optional(pool);
    let mut zero: Option<i64> = known().await.map_err(failed)?;
    if zero.is_none() {
        let anchor = sqlx::query(ANCHOR)
            .bind(boot.id.clone())
            .bind(read(wall).as_millis())
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

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use countersign_testkit::ManualClock;
    use countersign_testkit::steps::adopt;
    use countersign_tokens::GrantKey;

    use super::*;
    use crate::SqliteStore;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    /// A store of a process that sees this wall clock.
    async fn open(file: &Path, wall: &ManualClock) -> SqliteStore {
        let store = SqliteStore::open(file).await.unwrap();
        let clock = StoreClock::Machine { wall: Arc::new(wall.clone()), zero: Arc::default() };
        SqliteStore { clock, ..store }
    }

    async fn now(store: &SqliteStore) -> StoreTime {
        store.now().await.unwrap()
    }

    fn is_about(one: StoreTime, other: StoreTime) -> bool {
        one.since(other).max(other.since(one)) < DAY / 24
    }

    #[tokio::test]
    async fn a_wall_clock_that_is_set_moves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("grants.db");
        let wall = ManualClock::default();
        let (store, began) = (open(&file, &wall).await, read(&wall));
        assert!(is_about(now(&store).await, began));
        wall.advance(DAY);
        assert!(is_about(now(&store).await, began), "it moved with the wall clock");
        let other = open(&file, &wall).await;
        assert!(is_about(now(&other).await, began), "another process has another time");
    }

    #[tokio::test]
    async fn time_does_not_go_back_over_a_start_of_the_machine() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("grants.db");
        let wall = ManualClock::default();
        wall.advance(DAY);
        let store = open(&file, &wall).await;
        let before = now(&store).await;
        let key = GrantKey::new("provider", "client", "user").unwrap();
        adopt(&store, &key, "token").await.unwrap();
        let another = "UPDATE countersign_clock SET boot_id = 'another'";
        sqlx::raw_sql(another).execute(store.pool()).await.unwrap();
        // It starts with the time that it had a day ago.
        let after = now(&open(&file, &ManualClock::default()).await).await;
        assert!(before <= after && is_about(before, after), "{before:?} {after:?}");
    }
}
