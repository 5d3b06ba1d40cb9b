//! Slots that somebody uses: each stays that of its key, so that there is one for a grant.

use std::ops::Deref;
use std::sync::Arc;

use super::TokenManager;
use super::slot::Slot;
use crate::error::{TokenError, TokenErrorKind};
use crate::key::GrantKey;

/// A slot in the hands of a call, a piece of work or a handle. When the last lets go of one in
/// which nothing is to be remembered, it is dropped.
pub(super) struct InUse {
    manager: TokenManager,
    slot: Arc<Slot>,
}

impl TokenManager {
    /// The slot of this key, which may be a new one.
    pub(super) fn slot(&self, key: &GrantKey) -> Result<InUse, TokenError> {
        let slots = self.0.slots.pin();
        loop {
            let slot = match slots.get(key) {
                Some(slot) => slot,
                None if self.is_foreign(key) => {
                    return Err(TokenError::new(TokenErrorKind::ForeignKey));
                }
                None => slots.get_or_insert_with(key.clone(), || Arc::new(Slot::new(key.clone()))),
            };
            if slot.enter() {
                return Ok(InUse { manager: self.clone(), slot: Arc::clone(slot) });
            }
            self.take_out(slot);
        }
    }

    fn is_foreign(&self, key: &GrantKey) -> bool {
        let client = &self.0.client;
        key.provider() != client.provider().name || key.client_id() != client.client_id()
    }

    /// Takes a slot that was dropped out of the map.
    fn take_out(&self, slot: &Arc<Slot>) {
        let slots = self.0.slots.pin();
        slots.remove_if(&slot.key, |_, it| Arc::ptr_eq(it, slot)).ok();
    }
}

impl InUse {
    pub(super) fn manager(&self) -> &TokenManager {
        &self.manager
    }
}

impl Deref for InUse {
    type Target = Slot;

    fn deref(&self) -> &Slot {
        &self.slot
    }
}

impl Clone for InUse {
    fn clone(&self) -> Self {
        self.slot.enter_beside();
        Self { manager: self.manager.clone(), slot: Arc::clone(&self.slot) }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        if self.slot.leave() {
            self.manager.take_out(&self.slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use countersign_core::{Client, Provider};
    use countersign_testkit::NeverTransport;

    use crate::executor::{NotSpawned, Spawner, Task, Timer};
    use crate::manager::TokenManager;
    use crate::memory::MemoryStore;

    #[derive(Debug, Clone)]
    struct Idle;

    impl Spawner for Idle {
        fn spawn(&self, _: Task) -> Result<(), NotSpawned> {
            Err(NotSpawned)
        }
    }

    impl Timer for Idle {
        fn sleep(&self, _: Duration) -> Task {
            Box::pin(std::future::pending())
        }
    }

    /// Threads that come and go, so that the slot is dropped and made anew all the time.
    #[test]
    fn a_slot_that_somebody_uses_is_the_only_one_of_its_key() -> Result<(), Box<dyn Error>> {
        let provider = Provider::rfc6749("https://id.example/a", "https://id.example/t");
        let client = Client::builder(provider, "client")
            .secret("secret")
            .transport(NeverTransport::new())
            .build()?;
        let tokens = TokenManager::builder(client, MemoryStore::new()).executor(Idle).build()?;
        let key = tokens.key("user")?;
        let is_the_only_one = || {
            let (one, two) = (tokens.slot(&key).ok(), tokens.slot(&key).ok());
            let three = two.clone();
            drop(two);
            one.zip(three).is_some_and(|(one, three)| Arc::ptr_eq(&one.slot, &three.slot))
        };
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert!((0..100_000).all(|_| is_the_only_one())));
            }
        });
        assert_eq!(tokens.0.slots.len(), 0);
        Ok(())
    }
}
