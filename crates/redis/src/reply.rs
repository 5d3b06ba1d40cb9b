//! What scripts answer.

use countersign_tokens::{
    Attempt, AttemptId, Due, Epoch, GrantKey, GrantState, Lease, Payload, Record, StoreError,
    StoreTime,
};
use redis::Value;

use crate::error::damaged;

/// Whether a step was accepted, and the record as it is.
pub(crate) struct Answer {
    pub(crate) is_accepted: bool,
    pub(crate) record: Option<Record>,
}

impl Answer {
    pub(crate) fn read(values: Vec<Value>) -> Result<Self, StoreError> {
        let mut members = Members(values.into_iter());
        let is_accepted = members.required()? == 1;
        let read_at = StoreTime::from_millis(members.required()?);
        // The format comes first, where there is a record.
        let record = match members.text()? {
            Some(_) => Some(record(&mut members, read_at)?),
            None => None,
        };
        Ok(Self { is_accepted, record })
    }
}

/// In the order of FIELDS in `scripts/look.lua`.
fn record(members: &mut Members, read_at: StoreTime) -> Result<Record, StoreError> {
    Ok(Record {
        epoch: Epoch::from_bytes(required(members.id()?)?),
        generation: members.count()?,
        revision: members.count()?,
        state: state(members.text()?.unwrap_or_default().as_str())?,
        lease: match (members.id()?.map(AttemptId::from_bytes), members.instant()?) {
            (Some(owner), Some(until)) => Some(Lease { owner, until }),
            _ => None,
        },
        fence: members.count()?,
        attempts: attempts(&members.text()?.unwrap_or_default())?,
        written_by: members.id()?.map(AttemptId::from_bytes),
        expires_at: members.instant()?,
        due_at: members.instant()?,
        not_before: members.instant()?,
        key_id: members.text()?,
        payload: Payload::new(members.bytes()?.unwrap_or_default()),
        read_at,
    })
}

/// The store's time, and what is due.
pub(crate) fn due(values: Vec<Value>) -> Result<(StoreTime, Vec<Due>), StoreError> {
    let mut members = Members(values.into_iter());
    let read_at = StoreTime::from_millis(members.required()?);
    let mut grants = Vec::new();
    while let Some(key) = members.text()? {
        let key = GrantKey::parse(&key).map_err(|error| damaged(error.to_string()))?;
        grants.push(Due { due_at: StoreTime::from_millis(members.required()?), key });
    }
    Ok((read_at, grants))
}

/// The members of an answer, one after the other. Those at its end that are none may be missing.
struct Members(std::vec::IntoIter<Value>);

impl Members {
    fn bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.0.next() {
            None | Some(Value::Nil) => Ok(None),
            Some(Value::BulkString(bytes)) => Ok(Some(bytes)),
            Some(_) => Err(damaged("a member of an answer has another type")),
        }
    }

    fn text(&mut self) -> Result<Option<String>, StoreError> {
        let text = self.bytes()?.map(String::from_utf8).transpose();
        text.map_err(|_| damaged("a text is not UTF-8"))
    }

    fn number(&mut self) -> Result<Option<i64>, StoreError> {
        match self.0.next() {
            None | Some(Value::Nil) => Ok(None),
            Some(Value::Int(number)) => Ok(Some(number)),
            // As it is kept, where a script had no use for it.
            Some(Value::BulkString(digits)) if digits.is_empty() => Ok(None),
            Some(Value::BulkString(digits)) => {
                let number = std::str::from_utf8(&digits).ok().and_then(|it| it.parse().ok());
                number.map(Some).ok_or_else(|| damaged("a member of an answer is no number"))
            }
            Some(_) => Err(damaged("a member of an answer is no number")),
        }
    }

    fn required(&mut self) -> Result<i64, StoreError> {
        required(self.number()?)
    }

    fn count(&mut self) -> Result<u64, StoreError> {
        u64::try_from(self.required()?).map_err(|_| damaged("a number that counts is negative"))
    }

    fn instant(&mut self) -> Result<Option<StoreTime>, StoreError> {
        Ok(self.number()?.map(StoreTime::from_millis))
    }

    fn id(&mut self) -> Result<Option<[u8; 16]>, StoreError> {
        self.text()?.filter(|it| !it.is_empty()).map(|digits| id(&digits)).transpose()
    }
}

fn required<T>(value: Option<T>) -> Result<T, StoreError> {
    value.ok_or_else(|| damaged("a member of an answer is missing"))
}

/// An epoch or an attempt of 32 hexadecimal digits.
fn id(digits: &str) -> Result<[u8; 16], StoreError> {
    let number = u128::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 32);
    number.map(u128::to_be_bytes).ok_or_else(|| damaged("an id is not 32 hexadecimal digits"))
}

/// `id@instant` for each, with a space after it.
fn attempts(text: &str) -> Result<Vec<Attempt>, StoreError> {
    let attempts = text.split_terminator(' ').map(|attempt| {
        let (digits, millis) = required(attempt.split_once('@'))?;
        let millis = millis.parse().map_err(|_| damaged("the instant of an attempt is none"))?;
        let id = AttemptId::from_bytes(id(digits)?);
        Ok(Attempt { id, at: StoreTime::from_millis(millis) })
    });
    attempts.collect()
}

pub(crate) fn state_name(state: GrantState) -> &'static str {
    match state {
        GrantState::Live => "live",
        GrantState::Unknown => "unknown",
        GrantState::Reauthorize => "reauthorize",
        GrantState::Gone => "gone",
    }
}

fn state(name: &str) -> Result<GrantState, StoreError> {
    [GrantState::Live, GrantState::Unknown, GrantState::Reauthorize, GrantState::Gone]
        .into_iter()
        .find(|it| state_name(*it) == name)
        .ok_or_else(|| damaged("a grant is in an unknown state"))
}
