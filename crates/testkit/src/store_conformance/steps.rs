//! The steps in short.

use std::future::Future;
use std::time::Duration;

use countersign_tokens::{
    Adopt, AttemptId, Begin, Clear, Due, Epoch, Forget, GrantKey, GrantStore, Mark, Material,
    Negative, Payload, Record, Renew, Reseal, Save, StoreError, Takeover, Verdict as Answer,
};

use super::Judged;
use crate::Broken;

pub(super) const LEASE: Duration = Duration::from_secs(40);

/// How long the clock of a store that is told to stand still may run on all the same.
const SLACK: Duration = Duration::from_secs(10);

impl Judged<'_> {
    pub(super) fn one(&self) -> &dyn GrantStore {
        &*self.stores.one
    }

    pub(super) fn other(&self) -> &dyn GrantStore {
        &*self.stores.other
    }

    /// Runs a step to its end.
    pub(super) fn run<T: Send>(
        &self,
        step: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, Broken> {
        let mut output = None;
        (self.block_on)(Box::pin(async { output = Some(step.await) }));
        Ok(output.ok_or_else(|| Broken::new("`block_on` did not run a step to its end"))??)
    }

    pub(super) fn advance(&self, by: Duration) {
        (self.stores.advance)(by);
    }

    /// Has every lease run out.
    pub(super) fn lapse(&self) {
        self.advance(LEASE + Duration::from_millis(1));
    }

    /// The key of most rules.
    pub(super) fn key(&self) -> Result<GrantKey, Broken> {
        self.key_of("user")
    }

    pub(super) fn key_of(&self, subject: &str) -> Result<GrantKey, Broken> {
        GrantKey::new("conformance", &self.name, subject).map_err(|it| Broken::new(it.to_string()))
    }

    pub(super) fn find(&self) -> Result<Option<Record>, Broken> {
        self.run(self.other().load(&self.key()?))
    }

    pub(super) fn load(&self) -> Result<Record, Broken> {
        self.find()?.ok_or_else(|| Broken::new("the record is not there"))
    }

    /// A new grant in the place of what is there.
    pub(super) fn adopt(&self) -> Result<Record, Broken> {
        let replaces = self.find()?.map(|record| record.epoch);
        let adopt = Adopt { epoch: epoch()?, replaces, material: material("adopted") };
        accepted(self.run(self.one().adopt(&self.key()?, &adopt))?)
    }

    pub(super) fn begin(&self, attempt: AttemptId, takeover: Takeover) -> Result<Answer, Broken> {
        let read = self.load()?;
        self.run(self.one().begin(&self.key()?, &begin(&read, attempt, takeover)))
    }

    pub(super) fn save(&self, read: &Record, attempt: AttemptId) -> Result<Answer, Broken> {
        self.save_this(read, attempt, material("saved"))
    }

    pub(super) fn save_this(
        &self,
        read: &Record,
        attempt: AttemptId,
        material: Material,
    ) -> Result<Answer, Broken> {
        self.save_and_rest(read, attempt, material, None)
    }

    pub(super) fn save_and_rest(
        &self,
        read: &Record,
        attempt: AttemptId,
        material: Material,
        rests_for: Option<Duration>,
    ) -> Result<Answer, Broken> {
        let (epoch, generation) = (read.epoch, read.generation);
        self.save_so(&Save { attempt, epoch, generation, material, ends_by: None, rests_for })
    }

    pub(super) fn save_so(&self, save: &Save) -> Result<Answer, Broken> {
        self.run(self.one().save(&self.key()?, save))
    }

    pub(super) fn clear(&self, read: &Record, attempt: AttemptId) -> Result<Answer, Broken> {
        self.clear_and_rest(read, attempt, None)
    }

    pub(super) fn clear_and_rest(
        &self,
        read: &Record,
        attempt: AttemptId,
        rests_for: Option<Duration>,
    ) -> Result<Answer, Broken> {
        let clear = Clear { attempt, epoch: read.epoch, rests_for };
        self.run(self.one().clear(&self.key()?, &clear))
    }

    pub(super) fn renew(
        &self,
        read: &Record,
        attempt: AttemptId,
        lease: Duration,
    ) -> Result<Answer, Broken> {
        let renew = Renew { attempt, epoch: read.epoch, lease };
        self.run(self.one().renew(&self.key()?, &renew))
    }

    pub(super) fn mark(
        &self,
        read: &Record,
        attempt: AttemptId,
        as_state: Negative,
    ) -> Result<Answer, Broken> {
        let (epoch, generation) = (read.epoch, read.generation);
        let mark = Mark { attempt, epoch, generation, as_state };
        self.run(self.other().mark(&self.key()?, &mark))
    }

    pub(super) fn reseal(&self, read: &Record, text: &str) -> Result<Answer, Broken> {
        let reseal = Reseal {
            epoch: read.epoch,
            generation: read.generation,
            revision: read.revision,
            payload: Payload::new(text.as_bytes().to_vec()),
            key_id: Some("key 2".to_owned()),
        };
        self.run(self.one().reseal(&self.key()?, &reseal))
    }

    pub(super) fn forget(&self, read: &Record, tombstone: Epoch) -> Result<Answer, Broken> {
        let forget = Forget { epoch: read.epoch, tombstone };
        self.run(self.other().forget(&self.key()?, &forget))
    }

    /// What is due of this rule's own grants, page by page.
    pub(super) fn due(&self, within: Duration, page: usize) -> Result<Vec<Due>, Broken> {
        let mut all: Vec<Due> = Vec::new();
        loop {
            let listed = self.run(self.other().due(within, all.last(), page))?.grants;
            let is_last = listed.len() < page;
            all.extend(listed);
            if is_last || all.len() > 10_000 {
                break;
            }
        }
        all.retain(|due| due.key.client_id() == self.name);
        Ok(all)
    }

    pub(super) fn due_subjects(
        &self,
        within: Duration,
        page: usize,
    ) -> Result<Vec<String>, Broken> {
        Ok(self.due(within, page)?.iter().map(|due| due.key.subject()).collect())
    }
}

pub(super) fn begin(read: &Record, attempt: AttemptId, takeover: Takeover) -> Begin {
    let (epoch, generation) = (read.epoch, read.generation);
    Begin { attempt, epoch, generation, lease: LEASE, takeover }
}

pub(super) fn attempt() -> Result<AttemptId, Broken> {
    Ok(AttemptId::random()?)
}

pub(super) fn epoch() -> Result<Epoch, Broken> {
    Ok(Epoch::random()?)
}

pub(super) fn material(text: &str) -> Material {
    Material {
        payload: Payload::new(text.as_bytes().to_vec()),
        key_id: Some("key 1".to_owned()),
        expires_in: Some(Duration::from_secs(3600)),
        due_in: Some(Duration::from_secs(3000)),
    }
}

pub(super) fn accepted(answer: Answer) -> Result<Record, Broken> {
    answer.accepted().ok_or_else(|| Broken::new("a step was refused that is allowed"))
}

/// A refused step, and the record that it shows.
pub(super) fn refused(answer: Answer, what: &str) -> Result<Record, Broken> {
    match answer {
        Answer::Refused(Some(record)) => Ok(record),
        Answer::Refused(None) => Err(Broken::new(format!("{what}: refused, without the record"))),
        Answer::Accepted(_) => Err(Broken::new(format!("{what} was accepted"))),
    }
}

/// Whether it is so long, as far as a clock tells that may not stand still.
pub(super) fn is_about(found: Option<Duration>, expected: Duration) -> bool {
    found.is_some_and(|it| it <= expected && expected.saturating_sub(it) < SLACK)
}
