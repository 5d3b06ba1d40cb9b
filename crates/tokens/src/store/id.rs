use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::randomness::{Randomness, SystemRandomness};

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            /// Draws a random id.
            ///
            /// # Errors
            ///
            /// [`StoreErrorKind::Randomness`](crate::StoreErrorKind::Randomness) when the operating
            /// system gave no random bytes.
            pub fn random() -> Result<Self, StoreError> {
                Self::draw(&SystemRandomness)
            }

            pub(crate) fn draw(randomness: &dyn Randomness) -> Result<Self, StoreError> {
                let mut bytes = [0; 16];
                randomness.fill(&mut bytes)?;
                Ok(Self(bytes))
            }

            /// Creates the id of these bytes, which a store has kept.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Returns the bytes of the id.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        /// 32 hexadecimal digits.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", u128::from_be_bytes(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, &'static str> {
                let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                let number = u128::from_str_radix(&text, 16).ok();
                let number = number.filter(|_| digits && text.len() == 32);
                number.map(|it| Self(it.to_be_bytes())).ok_or("not an id of 32 hexadecimal digits")
            }
        }
    };
}

random_id! {
    /// Identifies one write of a record. It is drawn for each write and never used again.
    Version
}

random_id! {
    /// Identifies a grant under its key. Each insert and each removal draws its own, so that a late
    /// write for an earlier grant does not change a later one.
    Epoch
}

random_id! {
    /// Identifies one attempt to refresh a grant. It is no secret.
    AttemptId
}
