use std::cell::Cell;

use http::HeaderValue;
use serde::{Serialize, Serializer};

use crate::body::Body;
use crate::provider::BodyFormat;

pub(super) fn content_type(format: BodyFormat) -> HeaderValue {
    HeaderValue::from_static(match format {
        BodyFormat::Form => "application/x-www-form-urlencoded",
        BodyFormat::Json => "application/json",
    })
}

/// Writes `fields` in one buffer that does not grow: what a growing buffer leaves behind is not
/// wiped.
pub(crate) fn encode_fields<'a>(
    format: BodyFormat,
    fields: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Body {
    let longest = fields.clone().map(|(name, value)| longest(format, name, value)).sum();
    match format {
        BodyFormat::Form => {
            let text = String::with_capacity(longest);
            let text = form_urlencoded::Serializer::new(text).extend_pairs(fields).finish();
            Body::from(text.into_bytes())
        }
        BodyFormat::Json => {
            let mut bytes = Vec::with_capacity(longest + 2);
            // A map of strings, written to memory: neither can fail.
            let _ = serde_json::to_writer(&mut bytes, &Map(Cell::new(Some(fields))));
            Body::from(bytes)
        }
    }
}

/// An iterator as a map; it is written once.
struct Map<I>(Cell<Option<I>>);

impl<'a, I: Iterator<Item = (&'a str, &'a str)>> Serialize for Map<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.take().into_iter().flatten())
    }
}

/// The most bytes that a field can take.
fn longest(format: BodyFormat, name: &str, value: &str) -> usize {
    const PUNCTUATION: usize = r#""":"","#.len();
    let escape = match format {
        BodyFormat::Form => "%00".len(),
        BodyFormat::Json => r"\u0000".len(),
    };
    let length = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        if plain { text.len() } else { escape * text.len() }
    };
    length(name) + length(value) + PUNCTUATION
}

#[cfg(test)]
mod tests {
    use super::{BodyFormat, encode_fields, longest};
    use proptest::prelude::{any, proptest};

    proptest! {
        #[test]
        fn no_buffer_has_to_grow(name in any::<String>(), value in any::<String>()) {
            for format in [BodyFormat::Form, BodyFormat::Json] {
                let body = encode_fields(format, [(name.as_str(), value.as_str())].into_iter());
                assert!(body.len() <= longest(format, &name, &value) + 2);
            }
        }
    }

    #[test]
    fn both_formats_escape() {
        let fields = [("a", "1 &\"é"), ("b", "plain")];
        let form = encode_fields(BodyFormat::Form, fields.into_iter());
        assert_eq!(form.as_bytes(), b"a=1+%26%22%C3%A9&b=plain");
        let json = encode_fields(BodyFormat::Json, fields.into_iter());
        assert_eq!(json.as_bytes(), "{\"a\":\"1 &\\\"é\",\"b\":\"plain\"}".as_bytes());
    }
}
