//! Two handles to one store, as two processes have, and the steps in short.

use std::path::Path;
use std::time::Duration;

use countersign_testkit::ManualClock;
use countersign_testkit::store_conformance::Stores;
use countersign_tokens::{
    AttemptId, Begin, Epoch, FileStore, GrantKey, GrantStore, Material, MemoryStore, Payload,
    Record, Takeover,
};

const LEASE: Duration = Duration::from_secs(40);

pub(crate) fn memory() -> Stores {
    let clock = ManualClock::default();
    let store = MemoryStore::with_clock(clock.clone());
    Stores::new(store.clone(), store, move |by| clock.advance(by))
}

pub(crate) fn files() -> Stores {
    in_a_folder(|store| store)
}

#[cfg(feature = "sealed")]
pub(crate) fn sealed_memory() -> Stores {
    let clock = ManualClock::default();
    let store = MemoryStore::with_clock(clock.clone());
    Stores::new(seal(store.clone()), seal(store), move |by| clock.advance(by))
}

#[cfg(feature = "sealed")]
pub(crate) fn sealed_files() -> Stores {
    in_a_folder(seal)
}

#[cfg(feature = "sealed")]
fn seal<S: GrantStore>(store: S) -> countersign_tokens::SealedStore<S> {
    let ring = countersign_tokens::KeyRing::new("key 1", [7; 32]).expect("a ring");
    countersign_tokens::SealedStore::new(store, ring)
}

fn in_a_folder<S: GrantStore>(wrap: impl Fn(FileStore) -> S) -> Stores {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::default();
    let open = |folder: &Path| {
        let store = FileStore::open_with_clock(folder.join("grants"), clock.clone());
        wrap(store.expect("a store"))
    };
    let (one, other) = (open(folder.path()), open(folder.path()));
    let by_clock = clock.clone();
    Stores::new(one, other, move |by| by_clock.advance(by)).keeping(folder)
}

pub(crate) fn begin(read: &Record, attempt: AttemptId, takeover: Takeover) -> Begin {
    let (epoch, generation) = (read.epoch, read.generation);
    Begin { attempt, epoch, generation, lease: LEASE, takeover }
}

pub(crate) fn key(subject: &str) -> GrantKey {
    GrantKey::new("provider", "client", subject).expect("a key")
}

pub(crate) fn attempt() -> AttemptId {
    AttemptId::random().expect("random bytes")
}

pub(crate) fn epoch() -> Epoch {
    Epoch::random().expect("random bytes")
}

pub(crate) fn material(text: &str) -> Material {
    Material {
        payload: Payload::new(text.as_bytes().to_vec()),
        key_id: Some("key 1".to_owned()),
        expires_in: Some(Duration::from_secs(3600)),
        due_in: Some(Duration::from_secs(3000)),
    }
}
