use std::fmt;

use super::{Stores, Work};
use crate::Verdict;

/// One rule of the suite.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Rule {
    /// Its name, which is that of its test.
    pub name: &'static str,
    /// Judges a store by it.
    pub judge: fn(&Judged<'_>) -> Verdict,
}

impl Rule {
    pub(crate) const fn new(name: &'static str, judge: fn(&Judged<'_>) -> Verdict) -> Self {
        Self { name, judge }
    }
}

/// A store that is judged by one rule, and how its futures are run.
pub struct Judged<'a> {
    pub(super) stores: Stores,
    pub(super) block_on: Box<dyn Fn(Work<'_>) + Sync + 'a>,
    /// Tells the keys of one rule from those of another on the same database.
    pub(super) name: String,
}

impl<'a> Judged<'a> {
    /// Judges these stores, with their futures run by `block_on`.
    pub fn new(stores: Stores, block_on: impl Fn(Work<'_>) + Sync + 'a) -> Self {
        let mark = countersign_tokens::AttemptId::random();
        let name = mark.map_or_else(|_| "client".to_owned(), |mark| mark.to_string());
        Self { stores, block_on: Box::new(block_on), name }
    }
}

impl fmt::Debug for Judged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judged").field("stores", &self.stores).finish_non_exhaustive()
    }
}
