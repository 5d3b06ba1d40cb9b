//! The stored form of states: version first, then which state it is, then what it holds.

use std::fmt;

use serde::de::Error as _;
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
        match u32::deserialize(deserializer)? {
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

#[derive(Deserialize)]
struct Read {
    #[serde(rename = "version")]
    _version: Version,
    state: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Data {
    Pending(Box<PendingData>),
    Authorized(Box<LiveData>),
    Expired(Box<ExpiredData>),
    Refreshed(Box<RefreshedData>),
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
        Ok(match Read::deserialize(deserializer)?.state {
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
