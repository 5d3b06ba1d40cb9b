use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use crate::secret::Text;

/// The value of a JSON member that may be anything, borrowed where it is text.
#[derive(Debug, Default)]
pub(crate) enum Member<'a> {
    /// Not there, or null.
    #[default]
    Absent,
    Text(Text<'a>),
    Integer(i64),
    Float(f64),
    /// An array of strings; other elements are passed over.
    Texts(Vec<String>),
    Boolean,
    Object,
}

impl<'a> Member<'a> {
    /// Text that is not empty; empty text counts as absent.
    ///
    /// # Errors
    ///
    /// The name of what it is, when that is not text.
    pub(crate) fn text(self) -> Result<Option<Text<'a>>, &'static str> {
        match self {
            Self::Absent => Ok(None),
            Self::Text(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            Self::Integer(_) | Self::Float(_) => Err("a number"),
            Self::Texts(_) => Err("an array"),
            Self::Boolean => Err("a boolean"),
            Self::Object => Err("an object"),
        }
    }

    /// A number of seconds, however it is spelt.
    pub(crate) fn seconds(&self) -> Option<i64> {
        match self {
            Self::Integer(seconds) => Some(*seconds),
            Self::Float(seconds) => whole(*seconds),
            Self::Text(text) => {
                let text = text.trim();
                // serde_json's own reader: the standard library's has tables of its own.
                text.parse().ok().or_else(|| whole(serde_json::from_str(text).ok()?))
            }
            _ => None,
        }
    }
}

/// Without its fraction; beyond what an integer holds, the largest that it holds.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, which is what is wanted")]
fn whole(seconds: f64) -> Option<i64> {
    (!seconds.is_nan()).then_some(seconds as i64)
}

impl<'de: 'a, 'a> Deserialize<'de> for Member<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Member::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Member::Boolean)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Member::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Member::Integer(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Member::Float(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Member::Text(Text::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Member::Text(Text::Decoded(Zeroizing::new(value.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(element) = array.next_element::<Self::Value>()? {
            if let Member::Text(text) = element {
                texts.push(text.to_owned());
            }
        }
        Ok(Member::Texts(texts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let Some(name) = object.next_key::<String>()? else {
            return Ok(Member::Object);
        };
        if name == ARBITRARY_NUMBER {
            return object.next_value();
        }
        object.next_value::<IgnoredAny>()?;
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Member::Object)
    }
}

/// How serde_json hands over a number when some crate of the program has turned on its feature
/// `arbitrary_precision`: as an object with this one member, whose value is text.
const ARBITRARY_NUMBER: &str = "$serde_json::private::Number";

#[cfg(test)]
mod tests {
    use super::{ARBITRARY_NUMBER, Member};
    use serde::Deserialize;
    use serde::de::value::{Error, MapDeserializer};

    #[test]
    fn numbers_of_arbitrary_precision_are_numbers() {
        let number = [(ARBITRARY_NUMBER, "3600.5")];
        let member = Member::deserialize(MapDeserializer::<_, Error>::new(number.into_iter()));
        assert_eq!(member.expect("read").seconds(), Some(3600));
    }
}
