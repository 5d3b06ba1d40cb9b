//! The connections on which steps are taken.
//!
//! A pool tests each connection that is given back, by a round trip of its own, which costs both
//! sides about what a step does. So connections of a pool that is ours rest here between steps, and
//! go back to the pool once a minute, which tests them then and ends those that are old.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::reach::PATIENCE;

/// How long a connection may be out of the pool.
const LONGEST: Duration = Duration::from_secs(60);

/// How many of a pool's connections steps leave to whoever else uses it.
pub(super) const LEFT: u32 = 2;

#[derive(Clone)]
pub(super) struct Connections {
    pool: PgPool,
    /// None where the pool is somebody else's, who may need all that it has.
    resting: Option<Arc<Resting>>,
}

struct Resting {
    /// Whoever waits here gets a connection that rests, which one waiting for the pool would not.
    turns: Semaphore,
    connections: Mutex<Vec<Out>>,
    /// Connections can be given back to a pool only within one.
    runtime: Handle,
}

/// A connection that is out of the pool, and since when.
struct Out {
    connection: PoolConnection<Postgres>,
    since: Instant,
}

impl Connections {
    /// Of a pool of somebody else's.
    pub(super) fn of(pool: PgPool) -> Self {
        Self { pool, resting: None }
    }

    /// Of a pool of ours. This is to be called within a runtime, which the pool needs too.
    pub(super) fn of_own(pool: PgPool) -> Self {
        let turns = pool.options().get_max_connections().saturating_sub(LEFT).max(1);
        let resting = Arc::new(Resting {
            turns: Semaphore::new(usize::try_from(turns).unwrap_or(1)),
            connections: Mutex::default(),
            runtime: Handle::current(),
        });
        // A pool that is closed waits for all that are out.
        let (closed, rests) = (pool.close_event(), Arc::downgrade(&resting));
        tokio::spawn(async move {
            closed.await;
            if let Some(resting) = rests.upgrade() {
                resting.lock().clear();
            }
        });
        Self { pool, resting: Some(resting) }
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// One that nobody else uses. Dropped, it goes back to the pool.
    #[expect(clippy::disallowed_methods, reason = "a pool's connections age by this clock too")]
    pub(super) async fn take(&self) -> Result<Taken<'_>, sqlx::Error> {
        let Some(resting) = &self.resting else {
            let out = Out { connection: self.pool.acquire().await?, since: Instant::now() };
            return Ok(Taken { out, turn: None });
        };
        let turn = tokio::time::timeout(PATIENCE, resting.turns.acquire()).await;
        let turn = turn.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let turn = turn.map_err(|_| sqlx::Error::PoolClosed)?;
        let rested = resting.lock().pop();
        let out = match rested {
            Some(out) => out,
            None => Out { connection: self.pool.acquire().await?, since: Instant::now() },
        };
        Ok(Taken { out, turn: Some(Turn { pool: &self.pool, resting, _permit: turn }) })
    }
}

impl Drop for Resting {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        self.lock().clear();
    }
}

impl Resting {
    fn lock(&self) -> MutexGuard<'_, Vec<Out>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection for one step.
pub(super) struct Taken<'a> {
    out: Out,
    turn: Option<Turn<'a>>,
}

struct Turn<'a> {
    pool: &'a PgPool,
    resting: &'a Resting,
    _permit: SemaphorePermit<'a>,
}

impl Taken<'_> {
    /// Gives it back in good order: the step is done.
    pub(super) fn give_back(self) {
        let Self { out, turn } = self;
        let Some(turn) = turn else { return };
        let mut resting = turn.resting.lock();
        resting.push(out);
        let is_closed = turn.pool.is_closed();
        let ended: Vec<Out> = resting.extract_if(.., |it| is_closed || it.is_old()).collect();
        drop(resting);
        // To the pool. Nobody waits for its test.
        drop(ended);
    }
}

impl Out {
    fn is_old(&self) -> bool {
        self.since.elapsed() >= LONGEST
    }
}

impl Deref for Taken<'_> {
    type Target = PoolConnection<Postgres>;

    fn deref(&self) -> &Self::Target {
        &self.out.connection
    }
}

impl DerefMut for Taken<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.out.connection
    }
}
