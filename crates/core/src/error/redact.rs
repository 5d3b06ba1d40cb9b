use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

/// Takes the secrets of a request out of what the server answered to it.
pub(crate) struct Redactor {
    /// Every secret in every encoding, the longest first, so that none leaves part of a longer one.
    needles: Vec<Zeroizing<Vec<u8>>>,
}

const MASK: &[u8] = b"[redacted]";

/// How much text of a server's is kept.
const EXCERPT_CHARS: usize = 512;

/// How much of a body is looked at for an excerpt: far more than the excerpt, so that no secret is
/// cut in two at its end and shown in part.
const WINDOW: usize = 64 * 1024;

/// A body that speaks of these may hold tokens that are not in the request.
const TOKEN_NAMES: [&[u8]; 3] = [b"access_token", b"refresh_token", b"id_token"];

impl Redactor {
    /// For a request that holds these secrets.
    pub(crate) fn new<'a, I: IntoIterator<Item = &'a str>>(secrets: I) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.is_empty());
        let mut needles: Vec<_> = secrets.flat_map(encodings).map(Zeroizing::new).collect();
        needles.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        needles.dedup();
        Self { needles }
    }

    /// Whether any secret is in `bytes`.
    pub(super) fn finds_in(&self, bytes: &[u8]) -> bool {
        self.needles.iter().any(|needle| find(bytes, needle).is_some())
    }

    /// A short text of the server's, fit to be shown.
    pub(crate) fn text(&self, text: &str) -> String {
        bounded(&self.replace(text.as_bytes()))
    }

    /// The beginning of a body, fit to be shown.
    pub(super) fn excerpt(&self, body: &[u8]) -> Option<String> {
        let window = &body[..body.len().min(WINDOW)];
        let unknown_tokens = TOKEN_NAMES.iter().any(|name| find(window, name).is_some());
        if unknown_tokens || window.trim_ascii().is_empty() {
            return None;
        }
        Some(bounded(&self.replace(window)))
    }

    fn replace(&self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        for needle in &self.needles {
            let mut from = 0;
            while let Some(at) = find(&text[from..], needle) {
                let start = from + at;
                text.splice(start..start + needle.len(), MASK.iter().copied());
                from = start + MASK.len();
            }
        }
        text
    }
}

/// A secret as it is, and as a server may repeat it: escaped for JSON, for URLs, in base64.
fn encodings(secret: &str) -> Vec<Vec<u8>> {
    let form: String = byte_serialize(secret.as_bytes()).collect();
    let percent = form.replace('+', "%20");
    let json = serde_json::to_string(secret).unwrap_or_default();
    let json = json.trim_matches('"').to_owned();
    // PHP, HelloSign's language, escapes slashes.
    let php = json.replace('/', "\\/");
    let mut all = vec![
        secret.as_bytes().to_vec(),
        lower_hex(&form),
        lower_hex(&percent),
        form.into_bytes(),
        percent.into_bytes(),
        json.into_bytes(),
        php.into_bytes(),
    ];
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        all.extend((0..3).map(|offset| base64_core(&engine, secret, offset)));
    }
    all.retain(|needle| !needle.is_empty());
    all
}

/// The same percent-encoding with its hexadecimal digits in lower case.
fn lower_hex(encoded: &str) -> Vec<u8> {
    let mut digits = 0;
    let lowered = encoded.bytes().map(|byte| {
        let lowered = if digits > 0 { byte.to_ascii_lowercase() } else { byte };
        digits = if byte == b'%' { 2_u8 } else { digits.saturating_sub(1) };
        lowered
    });
    lowered.collect()
}

/// The characters that `secret` alone decides in base64 of a text that has it at an offset of
/// `offset` modulo three: those at its ends depend on its neighbours too.
fn base64_core(engine: &impl Engine, secret: &str, offset: usize) -> Vec<u8> {
    let mut padded = Zeroizing::new(vec![0_u8; offset]);
    padded.extend_from_slice(secret.as_bytes());
    let mut encoded = engine.encode(&*padded).into_bytes();
    if !padded.len().is_multiple_of(3) {
        encoded.pop();
    }
    let skipped = if offset == 0 { 0 } else { offset + 1 };
    encoded.drain(..skipped.min(encoded.len()));
    // A few characters would be found everywhere and say nothing of the secret.
    if encoded.len() < 4 { Vec::new() } else { encoded }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// At most [`EXCERPT_CHARS`] characters, those that would disturb a terminal or a log escaped.
fn bounded(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut kept = String::new();
    for (count, char) in text.chars().enumerate() {
        if count == EXCERPT_CHARS {
            kept.push('…');
            break;
        }
        if char.is_control() { kept.extend(char.escape_default()) } else { kept.push(char) }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{EXCERPT_CHARS, Redactor};
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    const SECRET: &str = "S3cR\"t/\\ +é&%";

    #[test]
    fn every_encoding_of_a_secret_is_replaced() {
        let form: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        let echoes = [
            SECRET.to_owned(),
            serde_json::to_string(SECRET).expect("a string"),
            serde_json::to_string(SECRET).expect("a string").replace('/', "\\/"),
            form.clone(),
            form.replace("%2F", "%2f")
                .replace("%2B", "%2b")
                .replace("%5C", "%5c")
                .replace("%C3%A9", "%c3%a9"),
            form.replace('+', "%20"),
            STANDARD.encode(SECRET),
            STANDARD.encode(format!("id:{SECRET}")),
            STANDARD.encode(format!("ident:{SECRET}:more")),
            URL_SAFE.encode(format!("{{\"a\":\"{SECRET}\"}}")),
        ];
        let redactor = Redactor::new([SECRET]);
        for echo in echoes {
            let shown = redactor.excerpt(format!("you sent {echo} to us").as_bytes());
            let shown = shown.expect("not empty");
            assert!(shown.contains("[redacted]"), "{shown}");
            assert!(redactor.finds_in(echo.as_bytes()));
            assert!(!redactor.finds_in(shown.as_bytes()));
        }
    }

    #[test]
    fn excerpts_are_bounded_and_harmless() {
        let redactor = Redactor::new([]);
        let long = redactor.excerpt("\u{1b}[31m\n<h1>".repeat(10_000).as_bytes()).expect("text");
        assert!(long.chars().count() <= EXCERPT_CHARS * 6 && !long.contains(['\u{1b}', '\n']));
        assert_eq!(redactor.excerpt(b" \r\n"), None);
        assert_eq!(redactor.excerpt(br#"{"access_token":"new"}"#), None);
    }
}
