//! Many at once.

use std::sync::Barrier;
use std::thread;

use super::Judged;
use crate::Broken;

/// How many.
pub(super) const CROWD: usize = 64;

impl Judged<'_> {
    /// What each of 64 threads finds, which begin at the same moment.
    pub(super) fn crowd<T: Send>(
        &self,
        each: impl Fn(usize) -> Result<T, Broken> + Sync,
    ) -> Result<Vec<T>, Broken> {
        let start = Barrier::new(CROWD);
        thread::scope(|scope| {
            let (start, each) = (&start, &each);
            let threads: Vec<_> = (0..CROWD)
                .map(|index| {
                    scope.spawn(move || {
                        start.wait();
                        each(index)
                    })
                })
                .collect();
            let panicked = |_| Err(Broken::new("the store panicked"));
            threads.into_iter().map(|it| it.join().unwrap_or_else(panicked)).collect()
        })
    }
}
