use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use countersign_tokens::GrantStore;

/// What an executor is given to run to its end.
pub type Work<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Two handles to one store, as two processes have.
pub struct Stores {
    pub(super) one: Box<dyn GrantStore>,
    pub(super) other: Box<dyn GrantStore>,
    pub(super) advance: Box<dyn Fn(Duration) + Send + Sync>,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl Stores {
    /// Two handles to one store, whose clock `advance` moves on.
    pub fn new(
        one: impl GrantStore,
        other: impl GrantStore,
        advance: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Self {
        let (one, other) = (Box::new(one), Box::new(other));
        Self { one, other, advance: Box::new(advance), kept: Vec::new() }
    }

    /// The same, and what has to live as long, such as a temporary folder.
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
