//! The way to the store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_tokens::{
    Due, DuePage, GrantKey, GrantStore, ListPage, Loaded, Record, StoreError, StoreErrorKind, Swap,
    Version,
};

use super::{Network, Way};
use crate::executor::Slot;
use crate::fault::{Fault, Point};
use crate::oracle::LATEST_WRITE;
use crate::provider::Grant;
use crate::settings::SECOND;
use crate::world::World;

impl Network {
    fn way_to_store(&self, is_write: bool) -> Way<StoreErrorKind> {
        let settings = &self.world.settings;
        let now = self.world.now();
        let mut state = self.world.state();
        let (arrives, answers) = (state.time(100, 3_000), state.time(100, 3_000));
        if now < state.store_away {
            let fails = state.rng.bool().then_some(StoreErrorKind::Unavailable);
            let fails = fails.map(|kind| (arrives, kind));
            return Way { arrives: None, repeats: None, answers: None, fails };
        }
        let fault = state.draw(settings.store_faults, &Fault::OF_STORE, settings);
        let soon = state.time(1_000, SECOND);
        let fails = state.rng.bool().then_some((soon, StoreErrorKind::Unavailable));
        let usual =
            Way { arrives: Some(arrives), repeats: None, answers: Some(answers), fails: None };
        match fault {
            Some(Fault::StoreLost) => Way { arrives: None, fails, ..usual },
            Some(Fault::StoreUnanswered) => Way { answers: None, fails, ..usual },
            Some(Fault::StoreLate) => {
                let late = state.time(SECOND / 10, LATEST_WRITE);
                Way { arrives: Some(late), fails, ..usual }
            }
            Some(Fault::StoreRepeated) if is_write => {
                Way { repeats: Some(state.time(1_000, LATEST_WRITE)), ..usual }
            }
            Some(Fault::StoreRefused) if is_write => {
                let kinds = [StoreErrorKind::ReadOnly, StoreErrorKind::Full];
                let kind = kinds[state.rng.usize(0..2)];
                Way { arrives: None, fails: Some((arrives + answers, kind)), ..usual }
            }
            _ => usual,
        }
    }

    /// Has the store do something.
    async fn ask<T: Send + 'static>(
        &self,
        is_write: bool,
        what: impl Fn(&Arc<World>) -> T + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        let way = self.way_to_store(is_write);
        let slot = Slot::new();
        let what = Arc::new(what);
        if let Some(arrives) = way.arrives {
            let (slot, what) = (slot.clone(), Arc::clone(&what));
            self.world.after(arrives, move |world| {
                let answer = what(world);
                if let Some(answers) = way.answers {
                    world.after(answers, move |_| slot.put(Ok(answer)));
                }
            });
        }
        if let Some(repeats) = way.repeats {
            self.world.after(repeats, move |world| drop(what(world)));
        }
        if let Some((after, kind)) = way.fails {
            let slot = slot.clone();
            self.world.after(after, move |_| slot.put(Err(StoreError::new(kind))));
        }
        slot.await
    }
}

/// Returns the number of the grant of a key that is not reserved.
pub(crate) fn grant_of(key: &GrantKey) -> Option<Grant> {
    key.as_str().rsplit('/').next()?.parse().ok()
}

#[async_trait]
impl GrantStore for Network {
    async fn load(&self, key: &GrantKey) -> Result<Loaded, StoreError> {
        let key = key.clone();
        self.ask(false, move |world| world.state().store.load(&key, world.now())).await
    }

    async fn swap(
        &self,
        key: &GrantKey,
        expected: Option<Version>,
        next: Option<&Record>,
    ) -> Result<Swap, StoreError> {
        if let Some(next) = next {
            self.world.state().oracle.swaps(self.life.number, next);
        }
        let is_grant = grant_of(key).is_some();
        if is_grant {
            self.world.at(&self.life, Point::Swaps);
        }
        let (key, next, life) = (key.clone(), next.cloned(), self.life.number);
        let swapped = self.ask(true, move |world| swap(world, life, &key, expected, next.as_ref()));
        let swapped = swapped.await;
        if is_grant {
            self.world.at(&self.life, Point::Swapped);
        }
        swapped
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        let after = after.cloned();
        let page = self.ask(false, move |world| {
            world.state().store.due(within, after.as_ref(), limit, world.now())
        });
        page.await
    }

    async fn list(&self, after: Option<&GrantKey>, limit: usize) -> Result<ListPage, StoreError> {
        let after = after.cloned();
        let page = self
            .ask(false, move |world| world.state().store.list(after.as_ref(), limit, world.now()));
        page.await
    }

    async fn changed(&self, key: &GrantKey) {
        let changed = Slot::new();
        if self.world.settings.notifies {
            let mut state = self.world.state();
            state.watchers.entry(key.clone()).or_default().push(changed.clone());
        }
        changed.await;
    }
}

/// Carries a swap out, and has the oracle look at it.
fn swap(
    world: &Arc<World>,
    life: u32,
    key: &GrantKey,
    expected: Option<Version>,
    next: Option<&Record>,
) -> Swap {
    let now = world.now();
    let mut state = world.state();
    let state = &mut *state;
    let former = state.store.record(key).cloned();
    let (swap, has_written) = state.store.swap(key, expected, next, now);
    let is_done = matches!(swap, Swap::Done(_));
    let version = next.map(|it| it.version);
    state.trace.note(
        now,
        format_args!("{life} {key} swap {expected:?} {version:?} {is_done} {has_written}"),
    );
    if let Some(next) = next.filter(|_| has_written) {
        let Record { epoch, generation, state: of, attempts, .. } = next;
        let (pending, last) = (attempts.len(), attempts.last().map(|it| it.id));
        state.trace.note(
            now,
            format_args!("  {epoch:?} {generation} {of:?}, {pending} attempts, the last {last:?}"),
        );
    }
    if let Some(grant) = grant_of(key).filter(|_| has_written) {
        state.oracle.wrote(grant, former.as_ref(), next, &state.provider, now);
        // A notification may be lost.
        for watcher in state.watchers.remove(key).unwrap_or_default() {
            if state.rng.u32(0..10) > 0 {
                let late = state.time(100, SECOND / 10);
                world.after(late, move |_| watcher.put(()));
            }
        }
    }
    swap
}
