use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use countersign_tokens::{
    Due, DuePage, GrantKey, GrantStore, ListPage, Page, Record, StoreError, StoreTime, Swap,
};

use super::{Stores, Work};
use crate::verdict::hold;
use crate::{Broken, Verdict, steps};

/// The number of threads of [`Judged::crowd`].
pub(super) const CROWD: usize = 64;

/// A store that is tested by one rule, and how its futures are run.
pub struct Judged<'a> {
    pub(super) stores: Stores,
    block_on: Box<dyn Fn(Work<'_>) + Sync + 'a>,
    steps: AtomicUsize,
    /// The client of all keys of this rule, so that rules can share a database.
    pub(super) client: String,
}

impl<'a> Judged<'a> {
    /// Creates the subject of one rule. `block_on` runs its futures.
    pub fn new(stores: Stores, block_on: impl Fn(Work<'_>) + Sync + 'a) -> Self {
        let (block_on, client) = (Box::new(block_on), steps::epoch().to_string());
        Self { stores, block_on, steps: AtomicUsize::new(0), client }
    }

    /// Returns the two handles in turn, so that each step is seen by the other process.
    pub(super) fn store(&self) -> &dyn GrantStore {
        let is_even = self.steps.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        if is_even { &*self.stores.one } else { &*self.stores.other }
    }

    pub(super) fn run<T: Send>(
        &self,
        step: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, Broken> {
        let mut output = None;
        (self.block_on)(Box::pin(async { output = Some(step.await) }));
        Ok(output.ok_or_else(|| Broken::new("`block_on` did not run a step to its end"))??)
    }

    /// Returns the key of `subject`, or the reserved key if `subject` is empty.
    pub(super) fn key(&self, subject: &str) -> Result<GrantKey, Broken> {
        let key = GrantKey::new("conformance", &self.client, subject);
        let key = key.or_else(|_| GrantKey::parse(&format!("conformance/{}/", self.client)));
        key.map_err(|error| Broken::new(error.to_string()))
    }

    pub(super) fn now(&self) -> Result<StoreTime, Broken> {
        Ok(self.run(self.store().load(&self.key("nobody")?))?.read_at)
    }

    pub(super) fn load(&self, subject: &str) -> Result<Option<Record>, Broken> {
        Ok(self.run(self.store().load(&self.key(subject)?))?.record)
    }

    /// Fails unless `record` is the record of `subject`.
    pub(super) fn expect(&self, subject: &str, record: Option<&Record>) -> Verdict {
        let found = self.load(subject)?;
        hold!(found.as_ref() == record, "{subject:?} is {found:?} and should be {record:?}");
        Ok(())
    }

    pub(super) fn swap(
        &self,
        subject: &str,
        expected: Option<&Record>,
        next: Option<&Record>,
    ) -> Result<Swap, Broken> {
        let expected = expected.map(|record| record.version);
        self.run(self.store().swap(&self.key(subject)?, expected, next))
    }

    /// Fails unless the swap is done.
    pub(super) fn done(
        &self,
        subject: &str,
        expected: Option<&Record>,
        next: Option<&Record>,
    ) -> Verdict {
        let is_done = matches!(self.swap(subject, expected, next)?, Swap::Done(_));
        hold!(is_done, "a swap of {subject:?} conflicts with the version that it expects");
        Ok(())
    }

    /// Returns the record that a conflict shows. Fails if the swap is done.
    pub(super) fn conflict(
        &self,
        expected: Option<&Record>,
        next: Option<&Record>,
        what: &str,
    ) -> Result<Option<Record>, Broken> {
        match self.swap("user", expected, next)? {
            Swap::Done(_) => Err(Broken::new(format!("{what} was done"))),
            Swap::Conflict(present) => Ok(present.record),
        }
    }

    /// Writes the first record of `subject`.
    pub(super) fn put(&self, subject: &str, record: Record) -> Result<Record, Broken> {
        self.done(subject, None, Some(&record)).map(|()| record)
    }

    /// Runs `each` in 64 threads that begin at the same moment, and returns the outcomes.
    pub(super) fn crowd<T: Send>(
        &self,
        each: &(impl Fn(usize) -> Result<T, Broken> + Sync),
    ) -> Result<Vec<T>, Broken> {
        let start = &Barrier::new(CROWD);
        let panicked = |_| Err(Broken::new("the store panicked"));
        thread::scope(|scope| {
            let spawn = |index| scope.spawn(move || (start.wait(), each(index)).1);
            let threads: Vec<_> = (0..CROWD).map(spawn).collect();
            threads.into_iter().map(|it| it.join().unwrap_or_else(panicked)).collect()
        })
    }

    /// Reads the pages of what is due within `within` milliseconds.
    pub(super) fn due(
        &self,
        within: u64,
        after: Option<Due>,
        limit: usize,
    ) -> Result<Vec<DuePage>, Broken> {
        let within = std::time::Duration::from_millis(within);
        pages(after, |after| self.run(self.store().due(within, after, limit)))
    }

    /// Reads the pages of the list that hold the keys of this rule, and for long pages also all
    /// pages before.
    pub(super) fn list(&self, limit: usize) -> Result<Vec<ListPage>, Broken> {
        // `-` and `0` stand before and after the `/` that ends the client's name in a key.
        let before = GrantKey::new("conformance", &format!("{}-", self.client), "~");
        let end = format!("conformance/{}0", self.client);
        pages(before.ok().filter(|_| limit < 1000), |after| {
            let mut page = self.run(self.store().list(after, limit))?;
            page.next = page.next.filter(|next| *next.as_str() < *end);
            Ok(page)
        })
    }

    /// Returns the records of this rule's keys by subject.
    pub(super) fn own<C>(&self, pages: Vec<Page<C>>) -> Vec<(String, Record)> {
        let records = pages.into_iter().flat_map(|page| page.records);
        let own = records.filter(|(key, _)| key.client_id() == self.client);
        own.map(|(key, record)| (key.subject(), record)).collect()
    }

    /// Returns the subjects of this rule's keys.
    pub(super) fn subjects<C>(&self, pages: Vec<Page<C>>) -> Vec<String> {
        self.own(pages).into_iter().map(|(subject, _)| subject).collect()
    }
}

fn pages<C>(
    mut after: Option<C>,
    read: impl Fn(Option<&C>) -> Result<Page<C>, Broken>,
) -> Result<Vec<Page<C>>, Broken> {
    let mut pages = Vec::new();
    // A bound, for stores whose pages never end.
    while pages.len() < 10_000 {
        let mut page = read(after.as_ref())?;
        after = page.next.take();
        pages.push(page);
        if after.is_none() {
            return Ok(pages);
        }
    }
    Err(Broken::new("the pages do not end"))
}
