//! The steps, each of which is one script.

use std::time::Duration;

use async_trait::async_trait;
use countersign_tokens::{
    Adopt, Begin, Clear, Due, DuePage, Epoch, Forget, GrantKey, GrantState, GrantStore, Mark,
    Material, Record, Renew, Reseal, Save, StoreError, Takeover, Verdict,
};

use crate::RedisStore;
use crate::error::damaged;
use crate::reply::{Answer, state_name};
use crate::script::{self, Script};

impl RedisStore {
    async fn step(
        &self,
        script: &Script,
        key: &GrantKey,
        arguments: Arguments,
    ) -> Result<Verdict, StoreError> {
        let answer = self.change(script, key, arguments).await?;
        match answer.record {
            Some(record) if answer.is_accepted => Ok(Verdict::Accepted(record)),
            None if answer.is_accepted => Err(damaged("a step was accepted without a record")),
            record => Ok(Verdict::Refused(record)),
        }
    }

    async fn change(
        &self,
        script: &Script,
        key: &GrantKey,
        arguments: Arguments,
    ) -> Result<Answer, StoreError> {
        let keys = [self.prefix.record(key), self.prefix.list(key)];
        let mut all = vec![key.as_str().into()];
        all.extend(arguments.0);
        Answer::read(self.connection.run(script, &keys, &all, self.replicas).await?)
    }
}

#[async_trait]
impl GrantStore for RedisStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<Record>, StoreError> {
        let keys = [self.prefix.record(key)];
        let answer = self.connection.run(&script::LOAD, &keys, &[], None).await?;
        Ok(Answer::read(answer)?.record)
    }

    async fn begin(&self, key: &GrantKey, begin: &Begin) -> Result<Verdict, StoreError> {
        let takeover = match begin.takeover {
            Takeover::Never => "never".to_owned(),
            Takeover::Within(window) => millis(window),
            Takeover::Always => "always".to_owned(),
        };
        let arguments = Arguments::new()
            .and(&begin.attempt)
            .and(&begin.epoch)
            .and(&begin.generation)
            .and(&millis(begin.lease))
            .and(&takeover);
        self.step(&script::BEGIN, key, arguments).await
    }

    async fn save(&self, key: &GrantKey, save: &Save) -> Result<Verdict, StoreError> {
        let arguments = Arguments::new().and(&save.attempt).and(&save.epoch).and(&save.generation);
        let ends_by = save.ends_by.map(|it| it.as_millis().to_string()).unwrap_or_default();
        let arguments = arguments.material(&save.material).and(&ends_by).time(save.rests_for);
        self.step(&script::SAVE, key, arguments).await
    }

    async fn clear(&self, key: &GrantKey, clear: &Clear) -> Result<Verdict, StoreError> {
        let arguments = Arguments::new().and(&clear.attempt).and(&clear.epoch);
        self.step(&script::CLEAR, key, arguments.time(clear.rests_for)).await
    }

    async fn renew(&self, key: &GrantKey, renew: &Renew) -> Result<Verdict, StoreError> {
        let arguments = Arguments::new().and(&renew.attempt).and(&renew.epoch);
        self.step(&script::RENEW, key, arguments.and(&millis(renew.lease))).await
    }

    async fn mark(&self, key: &GrantKey, mark: &Mark) -> Result<Verdict, StoreError> {
        let arguments = Arguments::new()
            .and(&mark.attempt)
            .and(&mark.epoch)
            .and(&mark.generation)
            .and(&state_name(GrantState::from(mark.as_state)));
        self.step(&script::MARK, key, arguments).await
    }

    async fn reseal(&self, key: &GrantKey, reseal: &Reseal) -> Result<Verdict, StoreError> {
        let arguments = Arguments::new()
            .and(&reseal.epoch)
            .and(&reseal.generation)
            .and(&reseal.revision)
            .bytes(reseal.payload.as_bytes())
            .key_id(reseal.key_id.as_deref());
        self.step(&script::RESEAL, key, arguments).await
    }

    async fn adopt(&self, key: &GrantKey, adopt: &Adopt) -> Result<Verdict, StoreError> {
        let replaces = adopt.replaces.map(|epoch| epoch.to_string()).unwrap_or_default();
        let arguments = Arguments::new().and(&adopt.epoch).and(&replaces);
        self.step(&script::ADOPT, key, arguments.material(&adopt.material)).await
    }

    async fn forget(&self, key: &GrantKey, forget: &Forget) -> Result<Verdict, StoreError> {
        let arguments = Arguments::new().and(&forget.epoch).and(&forget.tombstone);
        self.step(&script::FORGET, key, arguments).await
    }

    async fn purge(&self, key: &GrantKey, tombstone: Epoch) -> Result<(), StoreError> {
        self.change(&script::PURGE, key, Arguments::new().and(&tombstone)).await.map(drop)
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        self.list_due(&millis(within), after, limit).await
    }
}

/// What a script is told beside the keys.
struct Arguments(Vec<Vec<u8>>);

impl Arguments {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.push(bytes.to_vec());
        self
    }

    fn and(self, shown: &impl ToString) -> Self {
        self.bytes(shown.to_string().as_bytes())
    }

    /// Nothing, where there is none.
    fn time(self, duration: Option<Duration>) -> Self {
        self.and(&duration.map(millis).unwrap_or_default())
    }

    /// An empty one is told apart from none.
    fn key_id(self, id: Option<&str>) -> Self {
        self.and(&id.map(|id| format!("={id}")).unwrap_or_default())
    }

    fn material(self, material: &Material) -> Self {
        self.bytes(material.payload.as_bytes())
            .key_id(material.key_id.as_deref())
            .time(material.expires_in)
            .time(material.due_in)
    }
}

/// Milliseconds. More than 140,000 years are as long: the numbers of scripts are exact up to twice
/// that.
fn millis(duration: Duration) -> String {
    duration.as_millis().min(1 << 52).to_string()
}
