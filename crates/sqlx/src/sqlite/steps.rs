//! The steps, by the rules of `countersign-tokens`.

use std::time::Duration;

use async_trait::async_trait;
use countersign_tokens::{
    Adopt, Begin, Clear, Due, DuePage, Epoch, Forget, GrantKey, GrantStore, Mark, Record, Renew,
    Reseal, Rules, Save, StoreError, StoreTime, Verdict,
};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::columns::{LOAD, record, write};
use crate::error::{damaged, failed};
use crate::values::millis;

const DUE: &str = "SELECT due, key FROM countersign_grants
WHERE due <= ? AND (due, key) > (?, ?) ORDER BY due, key LIMIT ?";

impl SqliteStore {
    async fn read(&self, key: &GrantKey) -> Result<Option<Record>, StoreError> {
        let row = sqlx::query(LOAD).bind(key.as_str().to_owned()).fetch_optional(&self.pool).await;
        let Some(row) = row.map_err(failed)? else { return Ok(None) };
        record(&row, self.now().await?).map(Some)
    }

    /// Applies a rule to the record of `key`, until nobody else has written in between.
    async fn step<T>(
        &self,
        key: &GrantKey,
        rule: impl Fn(Rules<'_>) -> T + Sync,
    ) -> Result<T, StoreError> {
        loop {
            let mut place = self.read(key).await?;
            let before = place.as_ref().map(|record| (record.epoch, record.revision));
            let answer = rule(Rules::new(&mut place, self.now().await?));
            match write(key, before, place.as_ref())? {
                Some(statement) => {
                    let written = statement.execute(&self.pool).await.map_err(failed)?;
                    if written.rows_affected() > 0 {
                        return Ok(answer);
                    }
                }
                None => return Ok(answer),
            }
        }
    }
}

#[async_trait]
impl GrantStore for SqliteStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<Record>, StoreError> {
        self.read(key).await
    }

    async fn begin(&self, key: &GrantKey, begin: &Begin) -> Result<Verdict, StoreError> {
        self.step(key, |rules| rules.begin(begin)).await
    }

    async fn save(&self, key: &GrantKey, save: &Save) -> Result<Verdict, StoreError> {
        self.step(key, |rules| rules.save(save)).await
    }

    async fn clear(&self, key: &GrantKey, clear: &Clear) -> Result<Verdict, StoreError> {
        self.step(key, |rules| rules.clear(clear)).await
    }

    async fn renew(&self, key: &GrantKey, renew: &Renew) -> Result<Verdict, StoreError> {
        self.step(key, |rules| rules.renew(renew)).await
    }

    async fn mark(&self, key: &GrantKey, mark: &Mark) -> Result<Verdict, StoreError> {
        self.step(key, |rules| rules.mark(mark)).await
    }

    async fn reseal(&self, key: &GrantKey, reseal: &Reseal) -> Result<Verdict, StoreError> {
        self.step(key, |rules| rules.reseal(reseal)).await
    }

    async fn adopt(&self, key: &GrantKey, adopt: &Adopt) -> Result<Verdict, StoreError> {
        self.step(key, |rules| rules.adopt(adopt)).await
    }

    async fn forget(&self, key: &GrantKey, forget: &Forget) -> Result<Verdict, StoreError> {
        self.step(key, |rules| rules.forget(forget)).await
    }

    async fn purge(&self, key: &GrantKey, tombstone: Epoch) -> Result<(), StoreError> {
        self.step(key, |rules| rules.purge(tombstone)).await.map(drop)
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        let after = after.map(|due| (due.due_at.as_millis(), due.key.as_str().to_owned()));
        let (due_at, key) = after.unwrap_or((i64::MIN, String::new()));
        let read_at = self.now().await?;
        let until = read_at.as_millis().saturating_add(millis(within));
        let rows = sqlx::query(DUE)
            .bind(until)
            .bind(due_at)
            .bind(key)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await;
        let grants = rows.map_err(failed)?.iter().map(due).collect::<Result<_, _>>()?;
        Ok(DuePage { grants, read_at })
    }
}

fn due(row: &SqliteRow) -> Result<Due, StoreError> {
    let key = row.try_get("key").map_err(failed)?;
    Ok(Due {
        due_at: StoreTime::from_millis(row.try_get("due").map_err(failed)?),
        key: GrantKey::parse(key).map_err(|error| damaged(error.to_string()))?,
    })
}
