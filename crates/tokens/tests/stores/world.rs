//! Two handles to one store, as two processes have, and the steps in short.

use std::time::Duration;

use countersign_testkit::ManualClock;
use countersign_tokens::{
    Adopt, AttemptId, Begin, Clear, Epoch, FileStore, Forget, GrantKey, GrantStore, Mark, Material,
    MemoryStore, Negative, Payload, Record, Save, Takeover, Verdict,
};
use futures_lite::future::block_on;

pub(crate) struct World {
    pub(crate) one: Box<dyn GrantStore>,
    pub(crate) other: Box<dyn GrantStore>,
    pub(crate) clock: ManualClock,
    pub(crate) key: GrantKey,
    _folder: Option<tempfile::TempDir>,
}

pub(crate) const LEASE: Duration = Duration::from_secs(40);

impl World {
    pub(crate) fn memory() -> Self {
        let clock = ManualClock::default();
        let store = MemoryStore::with_clock(clock.clone());
        Self::of(Box::new(store.clone()), Box::new(store), clock, None)
    }

    pub(crate) fn files() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::default();
        let open = || {
            let folder = folder.path().join("grants");
            Box::new(FileStore::open_with_clock(folder, clock.clone()).expect("a store"))
        };
        let (one, other) = (open(), open());
        Self::of(one, other, clock, Some(folder))
    }

    #[cfg(feature = "sealed")]
    pub(crate) fn sealed() -> Self {
        use countersign_tokens::{KeyRing, SealedStore};
        let folder = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::default();
        let open = || {
            let folder = folder.path().join("grants");
            let files = FileStore::open_with_clock(folder, clock.clone()).expect("a store");
            Box::new(SealedStore::new(files, KeyRing::new("key 1", [7; 32]).expect("a ring")))
        };
        let (one, other) = (open(), open());
        Self::of(one, other, clock, Some(folder))
    }

    fn of(
        one: Box<dyn GrantStore>,
        other: Box<dyn GrantStore>,
        clock: ManualClock,
        folder: Option<tempfile::TempDir>,
    ) -> Self {
        Self { one, other, clock, key: key("user"), _folder: folder }
    }

    /// Has every lease run out.
    pub(crate) fn lapse(&self) {
        self.clock.advance(LEASE + Duration::from_millis(1));
    }

    pub(crate) fn load(&self) -> Record {
        block_on(self.other.load(&self.key)).expect("loaded").expect("a record")
    }

    pub(crate) fn adopt(&self) -> Record {
        let adopt = Adopt { epoch: epoch(), replaces: None, material: material("adopted") };
        block_on(self.one.adopt(&self.key, &adopt)).expect("adopted").accepted().expect("accepted")
    }

    pub(crate) fn begin(&self, attempt: AttemptId, takeover: Takeover) -> Verdict {
        let read = self.load();
        let begin = begin(&read, attempt, takeover);
        block_on(self.one.begin(&self.key, &begin)).expect("begun")
    }

    pub(crate) fn save(&self, read: &Record, attempt: AttemptId) -> Verdict {
        let (epoch, generation) = (read.epoch, read.generation);
        let save = Save { attempt, epoch, generation, material: material("saved") };
        block_on(self.one.save(&self.key, &save)).expect("saved")
    }

    pub(crate) fn clear(&self, read: &Record, attempt: AttemptId) -> Verdict {
        let clear = Clear { attempt, epoch: read.epoch, rests_for: None };
        block_on(self.one.clear(&self.key, &clear)).expect("cleared")
    }

    pub(crate) fn mark(&self, read: &Record, attempt: AttemptId, as_state: Negative) -> Verdict {
        let (epoch, generation) = (read.epoch, read.generation);
        let mark = Mark { attempt, epoch, generation, as_state };
        block_on(self.other.mark(&self.key, &mark)).expect("marked")
    }

    pub(crate) fn forget(&self, read: &Record) -> Epoch {
        let tombstone = epoch();
        let forget = Forget { epoch: read.epoch, tombstone };
        let verdict = block_on(self.other.forget(&self.key, &forget)).expect("forgotten");
        assert!(verdict.is_accepted());
        tombstone
    }
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
        rests_for: None,
    }
}
