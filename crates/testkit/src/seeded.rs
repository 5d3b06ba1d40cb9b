use std::sync::{Mutex, PoisonError};

use countersign_tokens::{Randomness, StoreError};

/// Random bytes from a seed: the same seed gives the same bytes. Two processes of a test need two
/// seeds, since their ids must differ.
///
/// # Examples
///
/// ```
/// use countersign_testkit::SeededRandomness;
/// use countersign_tokens::Randomness;
///
/// let (mut first, mut second) = ([0; 16], [0; 16]);
/// SeededRandomness::new(7).fill(&mut first)?;
/// SeededRandomness::new(7).fill(&mut second)?;
/// assert_eq!(first, second);
/// # Ok::<(), countersign_tokens::StoreError>(())
/// ```
#[derive(Debug)]
pub struct SeededRandomness(Mutex<fastrand::Rng>);

impl SeededRandomness {
    /// Creates a source of random bytes. They are not fit for secrets.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
        Ok(())
    }
}
