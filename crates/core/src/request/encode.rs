use http::HeaderValue;

use crate::body::Body;
use crate::provider::BodyFormat;
use crate::secret::Wiped;

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
    match format {
        BodyFormat::Form => {
            let text = String::with_capacity(fields.clone().map(longest_in_form).sum());
            let text = form_urlencoded::Serializer::new(text).extend_pairs(fields).finish();
            Body::from(text.into_bytes())
        }
        BodyFormat::Json => Body::from(json(fields)),
    }
}

/// The most bytes that a field can take in a form.
fn longest_in_form((name, value): (&str, &str)) -> usize {
    let length = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        if plain { text.len() } else { "%00".len() * text.len() }
    };
    length(name) + length(value) + "=&".len()
}

/// `fields` as a JSON object.
///
/// There is hardly ever anything to escape. It is therefore written as if there were not, and then
/// looked at as a whole: that takes a fraction of the time of looking at text after text.
fn json<'a>(fields: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Wiped {
    let (mut length, mut marks) = ("{}".len(), 0);
    fields.clone().for_each(|(name, value)| {
        length += name.len() + value.len() + r#""":"","#.len();
        marks += 4;
    });
    let plain = write_plain(length, fields.clone());
    if marks > 0 && is_json(&plain.0, marks) { plain } else { write_escaped(length, fields) }
}

fn write_plain<'a>(length: usize, fields: impl Iterator<Item = (&'a str, &'a str)>) -> Wiped {
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(b"{\"");
    fields.for_each(|(name, value)| {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b"\":\"");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\",\"");
    });
    bytes.truncate(bytes.len() - b",\"".len());
    bytes.push(b'}');
    Wiped(bytes)
}

fn write_escaped<'a>(length: usize, fields: impl Iterator<Item = (&'a str, &'a str)>) -> Wiped {
    let mut bytes = Vec::with_capacity(length * r"\u0000".len());
    let mut before = b'{';
    for (name, value) in fields {
        bytes.push(before);
        // Strings, written to memory: that cannot fail.
        let _ = serde_json::to_writer(&mut bytes, name);
        bytes.push(b':');
        let _ = serde_json::to_writer(&mut bytes, value);
        before = b',';
    }
    if before == b'{' {
        bytes.push(before);
    }
    bytes.push(b'}');
    Wiped(bytes)
}

/// Whether texts that were written without escaping are JSON: they hold no control character and
/// no backslash, and no quotation mark beyond the `marks` around them.
fn is_json(bytes: &[u8], marks: usize) -> bool {
    let plain = bytes.iter().fold(true, |plain, byte| plain & (*byte >= b' ') & (*byte != b'\\'));
    // In parts of which a byte can hold the count, so that many bytes are counted at once.
    let counts = bytes.chunks(usize::from(u8::MAX)).map(|part| {
        let count: u8 = part.iter().map(|byte| u8::from(*byte == b'"')).sum();
        usize::from(count)
    });
    plain && counts.sum::<usize>() == marks
}

#[cfg(test)]
mod tests {
    use super::{BodyFormat, encode_fields, json, longest_in_form};
    use proptest::prelude::{any, prop, proptest};
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn no_form_has_to_grow(name in any::<String>(), value in any::<String>()) {
            let field = (name.as_str(), value.as_str());
            let body = encode_fields(BodyFormat::Form, [field].into_iter());
            assert!(body.len() <= longest_in_form(field));
        }

        #[test]
        fn json_says_what_was_meant_and_does_not_grow(
            fields in prop::collection::btree_map(any::<String>(), any::<String>(), 0..5),
            plain in prop::collection::btree_map("[a-z]{1,9}", "[ -!#-~]{0,300}", 0..5),
        ) {
            for fields in [fields, plain] {
                let pairs = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let json = json(pairs.clone());
                let read: BTreeMap<String, String> =
                    serde_json::from_slice(&json.0).expect("JSON");
                assert_eq!(read, fields);
                let room = 2 + pairs.map(|(name, value)| name.len() + value.len() + 6).sum::<usize>();
                assert!([room, 6 * room].contains(&json.0.capacity()), "it grew");
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
