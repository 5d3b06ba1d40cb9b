//! The stored form of states: version first, then which state it is, then what it holds.

use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::any::AnyState;
use super::expired::{Expired, ExpiredData};
use super::live::{Authorized, LiveData, Refreshed, RefreshedData};
use super::pending::{Pending, PendingData};

/// Stands before everything else, so that a state of a later version is told from a damaged one.
#[derive(Clone, Copy)]
struct Version;

const VERSION: u32 = 1;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(VERSION)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer).map_err(damaged)? {
            VERSION => Ok(Self),
            other => Err(D::Error::custom(format_args!(
                "the stored state is of version {other}, and this Countersign reads version \
                 {VERSION}"
            ))),
        }
    }
}

#[derive(Serialize)]
struct Written<'a> {
    version: Version,
    state: DataRef<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum DataRef<'a> {
    Pending(&'a PendingData),
    Authorized(&'a LiveData),
    Expired(&'a ExpiredData),
    Refreshed(&'a RefreshedData),
}

/// What was read. By hand, since derived code quotes what it cannot read, and that holds secrets.
struct Read(Data);

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Data {
    Pending(Box<PendingData>),
    Authorized(Box<LiveData>),
    Expired(Box<ExpiredData>),
    Refreshed(Box<RefreshedData>),
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Member {
    Version,
    State,
    #[serde(other)]
    Other,
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `deserialize_struct`: a format then refuses text by itself, and quotes it.
        deserializer.deserialize_any(ReadVisitor)
    }
}

struct ReadVisitor;

impl<'de> Visitor<'de> for ReadVisitor {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stored state")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let (mut version, mut state) = (None, None);
        while let Some(member) = map.next_key().map_err(damaged)? {
            let twice = match member {
                Member::Version => version.replace(map.next_value::<Version>()?).is_some(),
                Member::State => state.replace(map.next_value().map_err(damaged)?).is_some(),
                Member::Other => map.next_value::<IgnoredAny>().is_err(),
            };
            if twice {
                return Err(A::Error::custom("the stored state has a member twice"));
            }
        }
        let no_version = || A::Error::custom("this is no stored state: it has no version");
        version.ok_or_else(no_version)?;
        state.map(Read).ok_or_else(|| A::Error::custom("the stored state is empty"))
    }

    /// Formats that write a struct as its members alone, in their order.
    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Read, A::Error> {
        let no_version = || A::Error::custom("this is no stored state: it has no version");
        members.next_element::<Version>()?.ok_or_else(no_version)?;
        let state = members.next_element().map_err(damaged)?;
        state.map(Read).ok_or_else(|| A::Error::custom("the stored state is empty"))
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Read, E> {
        Err(E::custom("this is text and no stored state: it may have been serialised twice"))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Read, E> {
        Err(E::custom("these are bytes and no stored state: it may have been serialised twice"))
    }
}

/// In place of an error that may quote what was stored.
fn damaged<E: serde::de::Error>(_: E) -> E {
    E::custom("the stored state is damaged: a member is missing, or not what it should be")
}

impl Serialize for AnyState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Pending(state) => state.serialize(serializer),
            Self::Authorized(state) => state.serialize(serializer),
            Self::Expired(state) => state.serialize(serializer),
            Self::Refreshed(state) => state.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for AnyState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Read::deserialize(deserializer)?.0 {
            Data::Pending(data) => Self::Pending(Pending(data)),
            Data::Authorized(data) => Self::Authorized(Authorized(data)),
            Data::Expired(data) => Self::Expired(Expired(data)),
            Data::Refreshed(data) => Self::Refreshed(Refreshed(data)),
        })
    }
}

macro_rules! stored_state {
    ($state:ident) => {
        impl Serialize for $state {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Written { version: Version, state: DataRef::$state(&self.0) }.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $state {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match AnyState::deserialize(deserializer)? {
                    AnyState::$state(state) => Ok(state),
                    other => Err(wrong_state(stringify!($state), &other)),
                }
            }
        }
    };
}

stored_state!(Pending);
stored_state!(Authorized);
stored_state!(Expired);
stored_state!(Refreshed);

fn wrong_state<E: serde::de::Error>(wanted: impl fmt::Display, other: &AnyState) -> E {
    E::custom(format_args!(
        "the stored state is {}, not {wanted}; where it may be either, read it as AnyState",
        other.name(),
    ))
}

/// What states share is written whole, and read into a copy of its own.
pub(super) mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        shared: &Arc<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        T::serialize(shared, serializer)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}
