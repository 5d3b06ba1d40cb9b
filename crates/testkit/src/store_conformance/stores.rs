use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use countersign_tokens::GrantStore;

/// A future that an executor runs to its end.
pub type Work<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

type Reopen = Box<dyn Fn() -> Box<dyn GrantStore> + Send + Sync>;
type Advance = Box<dyn Fn(Duration) + Send + Sync>;

/// Two handles to one store, as two processes have.
pub struct Stores {
    pub(super) one: Box<dyn GrantStore>,
    pub(super) other: Box<dyn GrantStore>,
    /// `None` if the clock runs by itself.
    pub(super) advance: Option<Advance>,
    pub(super) reopen: Option<Reopen>,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl Stores {
    /// Creates two handles to one store whose clock stands still and is moved by `advance`, such as
    /// [`ManualClock`](crate::ManualClock).
    pub fn new(
        one: impl GrantStore,
        other: impl GrantStore,
        advance: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Self {
        Self { advance: Some(Box::new(advance)), ..Self::running(one, other) }
    }

    /// Creates two handles to one store whose clock runs by itself, such as the clock of a
    /// database.
    pub fn running(one: impl GrantStore, other: impl GrantStore) -> Self {
        let (one, other) = (Box::new(one), Box::new(other));
        Self { one, other, advance: None, reopen: None, kept: Vec::new() }
    }

    /// Sets how another handle is opened on what is stored. By default the suite does not test that
    /// a reopened store has its records.
    #[must_use]
    pub fn reopened_by<S: GrantStore>(
        mut self,
        reopen: impl Fn() -> S + Send + Sync + 'static,
    ) -> Self {
        self.reopen = Some(Box::new(move || Box::new(reopen())));
        self
    }

    /// Keeps a value as long as the stores, such as a temporary folder.
    #[must_use]
    pub fn keeping(mut self, kept: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(kept));
        self
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entry(&self.one).entry(&self.other).finish()
    }
}
