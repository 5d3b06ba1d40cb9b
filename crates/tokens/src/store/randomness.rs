//! The one way to random bytes.

use std::fmt;
use std::time::Duration;

use super::error::{StoreError, StoreErrorKind};

/// Where a [`TokenManager`](crate::TokenManager) draws random bytes: for ids, for the nonces of
/// sealed payloads, and for the jitter of its waits. By default from the operating system.
///
/// A simulation brings its own source, so that the same seed gives the same run.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU8, Ordering};
///
/// use countersign_tokens::{Randomness, StoreError, TokenManagerBuilder};
///
/// /// Counts. Only for tests.
/// #[derive(Debug, Default)]
/// struct Counting(AtomicU8);
///
/// impl Randomness for Counting {
///     fn fill(&self, bytes: &mut [u8]) -> Result<(), StoreError> {
///         bytes.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
///         Ok(())
///     }
/// }
///
/// fn reproducible(builder: TokenManagerBuilder) -> TokenManagerBuilder {
///     builder.danger_randomness(Counting::default())
/// }
/// ```
pub trait Randomness: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes` with random bytes. They must not repeat, in no process that shares the store.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Randomness`] if there are no random bytes.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), StoreError>;
}

/// The operating system's random bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemRandomness;

impl Randomness for SystemRandomness {
    #[expect(clippy::disallowed_methods, reason = "the one place where random bytes are drawn")]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), StoreError> {
        getrandom::fill(bytes)
            .map_err(|error| StoreError::new(StoreErrorKind::Randomness).with_source(error))
    }
}

impl dyn Randomness {
    /// Returns a number from 0 up to and without 1. Without random bytes it is the middle, since a
    /// wait without jitter costs less than a refresh.
    pub(crate) fn fraction(&self) -> f64 {
        let mut bytes = [0; 4];
        match self.fill(&mut bytes) {
            Ok(()) => f64::from(u32::from_be_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
            Err(_) => 0.5,
        }
    }

    /// Returns how long to wait for another process before looking again.
    pub(crate) fn poll(&self) -> Duration {
        Duration::from_millis(50) + Duration::from_millis(200).mul_f64(self.fraction())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Randomness, StoreError, StoreErrorKind};

    /// Always this byte, or none.
    #[derive(Debug)]
    struct Always(Option<u8>);

    impl Randomness for Always {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), StoreError> {
            let byte = self.0.ok_or_else(|| StoreError::new(StoreErrorKind::Randomness))?;
            bytes.fill(byte);
            Ok(())
        }
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_is_the_middle_without_random_bytes() {
        let drawn = |byte| {
            let randomness: &dyn Randomness = &Always(byte);
            (randomness.fraction(), randomness.poll())
        };
        let millis = Duration::from_millis;
        assert_eq!(drawn(Some(0)), (0.0, millis(50)));
        let (fraction, poll) = drawn(Some(0xff));
        assert!((0.999..1.0).contains(&fraction), "{fraction}");
        assert!((millis(249)..=millis(250)).contains(&poll), "{poll:?}");
        assert_eq!(drawn(None), (0.5, millis(150)));
    }
}
