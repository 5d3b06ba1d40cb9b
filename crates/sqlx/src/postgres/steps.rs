//! The steps, each of which is one round trip, or two where something is in the way.

use std::time::Duration;

use async_trait::async_trait;
use countersign_tokens::{
    Adopt, Begin, Clear, Due, DuePage, Epoch, Forget, GrantKey, GrantState, GrantStore, Mark,
    Material, Record, Renew, Reseal, Save, StoreError, StoreTime, Takeover, Verdict,
};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row};

use super::listening::mark;
use super::row::{is_accepted, record};
use super::{PostgresStore, statements};
use crate::error::{damaged, failed, is_lost_connection};
use crate::values::{millis, state_name};

type Statement = Query<'static, Postgres, PgArguments>;

/// How often a step is done on another connection, where the one at hand turned out to be lost.
/// When a server comes back every connection of the pool is.
const MOST_CONNECTIONS: u32 = 10;

impl PostgresStore {
    async fn rows(&self, statement: impl Fn() -> Statement) -> Result<Vec<PgRow>, StoreError> {
        let mut lost = 0;
        loop {
            let mut connection = self.connections.take().await.map_err(failed)?;
            match statement().fetch_all(&mut **connection).await {
                Ok(rows) => {
                    connection.give_back();
                    return Ok(rows);
                }
                Err(error) if is_lost_connection(&error) && lost < MOST_CONNECTIONS => lost += 1,
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// What those who listen are told of this key; nothing when nobody is to be told.
    fn told(&self, key: &GrantKey) -> Option<String> {
        self.listening.as_ref().map(|_| mark(key))
    }

    /// By the statement for the usual case, which does all or nothing, and else by the one that
    /// judges.
    async fn usually(
        &self,
        usual: impl Fn() -> Statement,
        judged: impl Fn() -> Statement,
    ) -> Result<Verdict, StoreError> {
        match self.rows(usual).await?.first() {
            Some(row) => Ok(Verdict::Accepted(record(row)?)),
            None => self.step(judged).await,
        }
    }

    async fn step(&self, statement: impl Fn() -> Statement) -> Result<Verdict, StoreError> {
        let rows = self.rows(statement).await?;
        let Some(row) = rows.first() else {
            return Ok(Verdict::Refused(None));
        };
        let record = record(row)?;
        Ok(if is_accepted(row)? {
            Verdict::Accepted(record)
        } else {
            Verdict::Refused(Some(record))
        })
    }
}

#[async_trait]
impl GrantStore for PostgresStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<Record>, StoreError> {
        let rows = self.rows(|| query(statements::LOAD, key)).await?;
        rows.first().map(record).transpose()
    }

    async fn begin(&self, key: &GrantKey, begin: &Begin) -> Result<Verdict, StoreError> {
        let youth = match begin.takeover {
            Takeover::Never => 0,
            Takeover::Within(window) => millis(window),
            Takeover::Always => i64::MAX,
        };
        let bound = |statement| {
            query(statement, key)
                .bind(begin.attempt.as_bytes().to_vec())
                .bind(begin.epoch.as_bytes().to_vec())
                .bind(number(begin.generation))
                .bind(millis(begin.lease))
        };
        self.usually(|| bound(statements::USUAL_BEGIN), || bound(statements::BEGIN).bind(youth))
            .await
    }

    async fn save(&self, key: &GrantKey, save: &Save) -> Result<Verdict, StoreError> {
        let bound = |statement| {
            let statement = query(statement, key)
                .bind(save.attempt.as_bytes().to_vec())
                .bind(save.epoch.as_bytes().to_vec())
                .bind(number(save.generation));
            bind(statement, &save.material)
        };
        self.usually(
            || bound(statements::USUAL_SAVE).bind(self.told(key)),
            || bound(statements::SAVE).bind(save.rests_for.map(millis)).bind(self.told(key)),
        )
        .await
    }

    async fn clear(&self, key: &GrantKey, clear: &Clear) -> Result<Verdict, StoreError> {
        self.step(|| {
            query(statements::CLEAR, key)
                .bind(clear.attempt.as_bytes().to_vec())
                .bind(clear.epoch.as_bytes().to_vec())
                .bind(clear.rests_for.map(millis))
                .bind(self.told(key))
        })
        .await
    }

    async fn renew(&self, key: &GrantKey, renew: &Renew) -> Result<Verdict, StoreError> {
        self.step(|| {
            query(statements::RENEW, key)
                .bind(renew.attempt.as_bytes().to_vec())
                .bind(renew.epoch.as_bytes().to_vec())
                .bind(millis(renew.lease))
        })
        .await
    }

    async fn mark(&self, key: &GrantKey, mark: &Mark) -> Result<Verdict, StoreError> {
        self.step(|| {
            query(statements::MARK, key)
                .bind(mark.attempt.as_bytes().to_vec())
                .bind(mark.epoch.as_bytes().to_vec())
                .bind(number(mark.generation))
                .bind(state_name(GrantState::from(mark.as_state)))
                .bind(self.told(key))
        })
        .await
    }

    async fn reseal(&self, key: &GrantKey, reseal: &Reseal) -> Result<Verdict, StoreError> {
        self.step(|| {
            query(statements::RESEAL, key)
                .bind(reseal.epoch.as_bytes().to_vec())
                .bind(number(reseal.generation))
                .bind(number(reseal.revision))
                .bind(reseal.payload.as_bytes().to_vec())
                .bind(reseal.key_id.clone())
        })
        .await
    }

    async fn adopt(&self, key: &GrantKey, adopt: &Adopt) -> Result<Verdict, StoreError> {
        let epoch = || adopt.epoch.as_bytes().to_vec();
        self.step(|| match adopt.replaces {
            None => bind(query(statements::ADOPT_FIRST, key).bind(epoch()), &adopt.material),
            Some(replaced) => {
                bind(query(statements::ADOPT_INSTEAD, key).bind(epoch()), &adopt.material)
                    .bind(replaced.as_bytes().to_vec())
                    .bind(self.told(key))
            }
        })
        .await
    }

    async fn forget(&self, key: &GrantKey, forget: &Forget) -> Result<Verdict, StoreError> {
        self.step(|| {
            query(statements::FORGET, key)
                .bind(forget.epoch.as_bytes().to_vec())
                .bind(forget.tombstone.as_bytes().to_vec())
                .bind(self.told(key))
        })
        .await
    }

    async fn purge(&self, key: &GrantKey, tombstone: Epoch) -> Result<(), StoreError> {
        let bytes = || tombstone.as_bytes().to_vec();
        self.rows(|| query(statements::PURGE, key).bind(bytes())).await.map(drop)
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let after = || match after {
            Some(due) => (due.due_at.as_millis(), due.key.as_str().to_owned()),
            None => (i64::MIN, String::new()),
        };
        let statement = || {
            let (due, key) = after();
            sqlx::query(statements::DUE).bind(millis(within)).bind(due).bind(key).bind(limit)
        };
        let rows = self.rows(statement).await?;
        let now = rows.first().map(|row| row.try_get("now").map_err(failed)).transpose()?;
        Ok(DuePage {
            grants: rows.iter().filter_map(|row| due(row).transpose()).collect::<Result<_, _>>()?,
            read_at: StoreTime::from_millis(now.ok_or_else(|| damaged("the server told no time"))?),
        })
    }

    async fn changed(&self, key: &GrantKey) {
        match &self.listening {
            Some(listening) => listening.changed(key).await,
            None => std::future::pending().await,
        }
    }
}

fn query(statement: &'static str, key: &GrantKey) -> Statement {
    sqlx::query(statement).bind(key.as_str().to_owned())
}

fn bind(statement: Statement, material: &Material) -> Statement {
    statement
        .bind(material.payload.as_bytes().to_vec())
        .bind(material.key_id.clone())
        .bind(material.expires_in.map(millis))
        .bind(material.due_in.map(millis))
}

/// Counts are far below the column's limit.
fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// None in the row that tells the time of an empty page.
fn due(row: &PgRow) -> Result<Option<Due>, StoreError> {
    let Some(key) = row.try_get::<Option<&str>, _>("key").map_err(failed)? else {
        return Ok(None);
    };
    Ok(Some(Due {
        due_at: StoreTime::from_millis(row.try_get("due").map_err(failed)?),
        key: GrantKey::parse(key).map_err(|error| damaged(error.to_string()))?,
    }))
}
